from qlib.contrib.data.loader import Alpha158DL

from qbrain_core.factors.alpha158 import alpha158
from qbrain_core.factors.expression import format, lookback, parse, reads_future


def test_alpha158_names_and_expressions_are_qlibs() -> None:
    texts, names = Alpha158DL.get_feature_config()
    assert list(alpha158()) == names
    assert [parse(t) for t in alpha158().values()] == [parse(t) for t in texts]


def test_alpha158_looks_sixty_sessions_back_and_never_ahead() -> None:
    trees = [parse(text) for text in alpha158().values()]
    assert len(trees) == 158
    assert max(lookback(tree) for tree in trees) == 60
    assert not any(reads_future(tree) for tree in trees)


def test_alpha158_written_back_parses_to_the_same() -> None:
    assert all(parse(format(parse(text))) == parse(text) for text in alpha158().values())
