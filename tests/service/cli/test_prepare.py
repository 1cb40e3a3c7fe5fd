def test_a_folder_that_is_no_encoder_is_told_in_one_line(cli, tmp_path):
    cli.set(encoder=str(tmp_path))
    assert "Expected a sentence-transformers folder" in cli.refused("prepare")


def test_settings_that_do_not_fit_are_named(cli):
    cli.set(auth="maybe", inference_threads="none")
    said = cli.refused("prepare")
    assert "CLOSELOOP_AUTH: Input should be 'on' or 'off'" in said
    assert "CLOSELOOP_INFERENCE_THREADS: " in said


def test_the_folder_that_is_ready_is_named(cli, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    cli.set(encoder=str(tmp_path))
    assert cli("prepare").stdout == f"encoder ready: {tmp_path}\n"
