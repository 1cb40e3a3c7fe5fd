import numpy as np

from models.complaints import ComplaintName
from models.complaints.exact import GRID, on_grid
from models.complaints.naming import name_complaint
from models.complaints.refit import refit


def test_representatives_speak_several_languages_and_never_the_same_words_twice(make_corpus):
    corpus = make_corpus(each=12, matters=("crash",))
    texts = [
        type(text)(
            id=text.id,
            text=text.text.rstrip("0123456789 "),
            language=text.language,
            customer=text.customer,
            occurred_on=text.occurred_on,
        )
        for text in corpus.texts
    ]
    vectors = on_grid(corpus.vectors) / np.float32(GRID)
    name = name_complaint(texts, vectors, np.arange(12), {"en": ("checkout",)})
    by_id = {text.id: text for text in texts}
    shown = [by_id[text] for text in name.representatives]
    assert {text.language for text in shown} == {"en", "de", "fi"}
    assert len({text.text for text in shown}) == len(shown) == 3
    assert set(name.titles) == {"en", "de", "fi"}
    assert all(name.titles[code] in by_id[text].text for code, text in name.sources.items())
    assert name.keywords == {"en": ("checkout",)}


def test_titles_come_in_the_reader_s_language_where_there_is_a_member_in_it():
    name = ComplaintName(
        titles={"fi": "Sovellus kaatuu", "de": "App stürzt ab"}, keywords={}, representatives=()
    )
    assert (name.title("de"), name.title("sv")) == ("App stürzt ab", "Sovellus kaatuu")
    assert ComplaintName(titles={}).title("en") == ""


def test_keywords_are_of_the_complaint_in_each_language(make_corpus):
    corpus = make_corpus(each=9)
    found = refit(corpus.texts, corpus.vectors, space="test")
    for complaint in found.complaints:
        matter = corpus.matter[complaint.texts[0]]
        expected = {"crash": "kaatuu", "double": "kahdesti", "login": "koodi", "export": "vero"}[matter]
        assert expected in complaint.name.keywords["fi"]
    assert {len(family.complaints) for family in found.families} == {2, 3, 4} or len(found.families) == 3
