import pytest

from qbrain_core.errors import InvalidInputError, QBrainError, TransientError, UnknownNameError, suggest


def test_invalid_input_names_parameter_value_and_rule() -> None:
    error = InvalidInputError("topk", 0, "it must be at least 1")
    assert str(error) == "topk is 0, but it must be at least 1"
    assert isinstance(error, ValueError)
    assert isinstance(error, QBrainError)


def test_unknown_name_suggests_the_close_one() -> None:
    error = UnknownNameError("model.family", "lightgmb", ["lightgbm", "xgboost"])
    assert "did you mean 'lightgbm'?" in str(error)
    assert isinstance(error, LookupError)


@pytest.mark.parametrize(
    ("name", "known", "words"),
    [
        ("bras", ["bars", "universes"], "did you mean 'bars'?"),
        ("zzz", ["b", "a"], "known: 'a', 'b'"),
        ("x", [], ""),
        ("q", [f"name{i:02}" for i in range(20)], "…"),
    ],
)
def test_suggest_words_close_names_or_lists_them(name: str, known: list[str], words: str) -> None:
    assert words in suggest(name, known)


def test_transient_errors_are_told_apart_from_wrong_input() -> None:
    assert not issubclass(TransientError, ValueError)
