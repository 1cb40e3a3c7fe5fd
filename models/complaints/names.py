"""What a complaint is called, in each language that its members are written in."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintName:
    """Titles, keywords and representative texts of a complaint.

    Attributes:
        titles: A member's own words, shortened, by language; most texts first.
        sources: Id of the text that each title is from: when it is erased the title goes too.
        keywords: Words that tell it from other complaints in that language, best first, by language.
        representatives: Ids of member texts that cover it: several languages, no near copies, best first.
    """

    titles: Mapping[str, str]
    sources: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    representatives: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """Return the title in a language, or in the one that most members are written in.

        >>> name = ComplaintName(titles={"de": "App stürzt ab"})
        >>> name.title("fi")
        'App stürzt ab'
        """
        if language in self.titles:
            return self.titles[language]
        return next(iter(self.titles.values()), "")
