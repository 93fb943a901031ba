"""A synthetic market, the same for the same seed: what a newcomer sees before any real data arrives.

Every instrument carries "(Synthetic)" / "（合成）" in its name.
"""

from datetime import date
from typing import TYPE_CHECKING

import exchange_calendars
import numpy as np
import polars as pl

from lake.demo_prices import SimulatedPrices, simulate_prices
from qbrain_core.errors import InvalidInputError
from qbrain_core.names import pinyin_initials

if TYPE_CHECKING:
    from lake.lakehouse import Lake

__all__ = ["DEMO_BENCHMARK", "DEMO_UNIVERSE", "demo_market", "has_demo", "write_demo"]

DEMO_BENCHMARK = "DEMO300.DEMO"
"""Index of the demo market."""

DEMO_UNIVERSE = "demo"
"""Universe of the index's members."""

_REBALANCE_SESSIONS = 122
_SECTORS = (
    ("Energy", "能源", "Coal", "煤炭"), ("Materials", "材料", "Steel", "钢铁"),
    ("Industrials", "工业", "Machinery", "机械"), ("Consumer", "消费", "Beverages", "酒业"),
    ("Health", "医药", "Pharma", "药业"), ("Banks", "金融", "Bank", "银行"),
    ("Technology", "信息技术", "Semiconductor", "微电"), ("Telecom", "通信", "Networks", "通讯"),
    ("Utilities", "公用事业", "Power", "电力"), ("Real Estate", "房地产", "Land", "置业"),
)  # fmt: skip
_FIRST = (
    ("North", "北"), ("South", "南"), ("East", "东"), ("West", "西"), ("Gold", "金"), ("Jade", "玉"), ("Cloud", "云"),
    ("Star", "星"), ("Long", "长"), ("Great", "大"), ("Blue", "蓝"), ("Pine", "松"), ("Silver", "银"), ("Clear", "清"),
    ("High", "高"), ("New", "新"), ("Red", "红"), ("Spring", "春"),
)  # fmt: skip
_SECOND = (
    ("river", "江"), ("mount", "山"), ("lake", "湖"), ("field", "原"), ("bridge", "桥"), ("gate", "门"),
    ("harbour", "港"), ("forest", "林"), ("peak", "峰"), ("isle", "岛"), ("stone", "石"), ("well", "泉"),
    ("cliff", "崖"),
)  # fmt: skip


def demo_market(
    *, seed: int = 7, n_instruments: int = 320, start: date = date(2018, 1, 2), end: date = date(2025, 12, 31)
) -> dict[str, pl.DataFrame]:
    """Generate the demo market.

    Parameters
    ----------
    seed : int
        The same seed gives the same market.
    n_instruments : int
        Stocks, at least 40 so that every kind of event occurs; the index comes on top.
    start, end : date
        First and last day; sessions are those of the Shanghai calendar. At least 750 of them.

    Returns
    -------
    dict of str to DataFrame
        `bars`, `instruments`, `industries`, `corporate_actions`, `fundamentals`, `universes`, each with the columns of
        the table of that name. Ids are `D00001.DEMO` …; the index is `DEMO300.DEMO`, the universe of its members
        `demo`.

    Raises
    ------
    InvalidInputError
        If there are too few instruments or sessions.
    """
    calendar = exchange_calendars.get_calendar("XSHG", start=start.isoformat(), end=end.isoformat())
    sessions = np.array([s.date() for s in calendar.sessions], dtype="datetime64[D]")
    if n_instruments < 40:
        raise InvalidInputError("n_instruments", n_instruments, "the demo market needs at least 40")
    if len(sessions) < 750:
        raise InvalidInputError("end", end.isoformat(), f"the demo market needs 750 sessions, not {len(sessions)}")
    rng = np.random.default_rng(seed)
    prices = simulate_prices(rng, len(sessions), n_instruments, len(_SECTORS))
    ids = np.array([f"D{i + 1:05d}.DEMO" for i in range(n_instruments)])
    member = _members(prices)
    index = _index_bars(prices, member, sessions)
    listed = _instruments(rng, prices, ids, sessions)
    return {
        "bars": pl.concat([_bars(prices, ids, sessions), index]).sort("instrument", "session"),
        "instruments": listed,
        "industries": _industries(listed, start),
        "corporate_actions": _corporate_actions(prices, ids, sessions),
        "fundamentals": _fundamentals(rng, prices, ids, sessions),
        "universes": _universe(member, ids, sessions),
    }


def write_demo(lake: "Lake", *, job_id: str = "demo-market") -> dict[str, int]:
    """Write the demo market into a lake; writing it again changes nothing.

    Parameters
    ----------
    lake : Lake
    job_id : str
        Name the commit carries.

    Returns
    -------
    dict of str to int
        Version of each table written.

    Raises
    ------
    CommitConflictError
        If other writers kept winning.
    """
    frames = demo_market()
    with lake.commit(job_id, 1) as transaction:
        for name in ("instruments", "industries", "corporate_actions", "fundamentals", "universes", "bars"):
            transaction.upsert(name, frames[name])
    return transaction.versions


def has_demo(lake: "Lake") -> bool:
    """Tell whether a lake holds the demo market.

    Parameters
    ----------
    lake : Lake

    Returns
    -------
    bool
        True when its benchmark has bars (they are written last).
    """
    return not lake.bars(instruments=[DEMO_BENCHMARK], columns=["close"]).is_empty()


def _bars(prices: SimulatedPrices, ids: np.ndarray, sessions: np.ndarray) -> pl.DataFrame:
    i, t = np.nonzero(prices.listed.T)
    fields = ("open", "high", "low", "close", "volume", "amount", "factor", "halted", "limit_up", "limit_down")
    return _bar_frame(
        {"instrument": ids[i], "session": sessions[t]}
        | {name: getattr(prices, name)[t, i] for name in fields}
        | {"special_treatment": prices.special_treatment[t, i]}
    )


def _bar_frame(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    return (
        pl.DataFrame(columns)
        .with_columns(pl.col("limit_up", "limit_down").fill_nan(None))
        .select(
            "instrument", "session", pl.lit("DEMO").alias("market"), pl.col("session").dt.year().alias("year"),
            pl.exclude("instrument", "session"), pl.lit("raw").alias("price_basis"),
        )
    )  # fmt: skip


def _members(prices: SimulatedPrices) -> np.ndarray:
    # the largest fifteen of every sixteen, chosen anew twice a year; a delisted member leaves at once
    n_sessions, n_instruments = prices.close.shape
    worth = np.where(prices.listed & ~prices.special_treatment, prices.close * prices.shares * prices.factor, 0.0)
    member = np.zeros((n_sessions, n_instruments), dtype=bool)
    for t in range(0, n_sessions, _REBALANCE_SESSIONS):
        chosen = np.argsort(-worth[max(t - 5, 0)], kind="stable")[: n_instruments * 15 // 16]
        chosen = chosen[worth[max(t - 5, 0)][chosen] > 0]
        member[t : t + _REBALANCE_SESSIONS, chosen] = True
    return member & prices.listed


def _index_bars(prices: SimulatedPrices, member: np.ndarray, sessions: np.ndarray) -> pl.DataFrame:
    held = member & (prices.reference > 0)
    held[1:] &= prices.listed[:-1]
    count = held.sum(axis=1)

    def mean(side: np.ndarray) -> np.ndarray:
        moves: np.ndarray = np.where(held, side / prices.reference, 0.0).sum(axis=1) / count
        return moves

    growth = mean(prices.close)
    level = 1000.0 * np.cumprod(growth)
    before = level / growth
    flat = np.full(len(sessions), np.nan)
    sides = {name: (before * mean(getattr(prices, name))).round(2) for name in ("open", "high", "low")}
    return _bar_frame(
        {"instrument": np.full(len(sessions), DEMO_BENCHMARK), "session": sessions}
        | sides
        | {
            "close": level.round(2),
            "volume": np.where(member, prices.volume, 0.0).sum(axis=1),
            "amount": np.where(member, prices.amount, 0.0).sum(axis=1).round(2),
            "factor": np.ones(len(sessions)),
            "halted": np.zeros(len(sessions), dtype=bool),
            "limit_up": flat, "limit_down": flat,
            "special_treatment": np.zeros(len(sessions), dtype=bool),
        }
    )  # fmt: skip


def _instruments(
    rng: np.random.Generator, prices: SimulatedPrices, ids: np.ndarray, sessions: np.ndarray
) -> pl.DataFrame:
    n_sessions, n_instruments = prices.listed.shape
    pairs = rng.permutation(len(_FIRST) * len(_SECOND))
    rows = []
    for i in range(n_instruments):
        a, b = divmod(int(pairs[i % len(pairs)]), len(_SECOND))
        sector_en, sector_zh, trade_en, trade_zh = _SECTORS[int(prices.sector[i])]
        again, again_zh = (" II", "二") if i >= len(pairs) else ("", "")
        rows.append(
            {
                "name_en": f"{_FIRST[a][0]}{_SECOND[b][0]} {trade_en}{again} (Synthetic)",
                "name_zh": (stem := f"{_FIRST[a][1]}{_SECOND[b][1]}{trade_zh}{again_zh}") + "（合成）",
                "pinyin": pinyin_initials(stem),
                "sector": sector_en, "industry": f"{sector_zh}·{trade_zh}", "kind": "stock", "lot": 100,
            }
        )  # fmt: skip
    first, last = prices.listed.argmax(axis=0), n_sessions - 1 - prices.listed[::-1].argmax(axis=0)
    stocks = pl.DataFrame(rows).with_columns(
        instrument=pl.Series(ids),
        listed=pl.Series(np.where(first > 0, sessions[first], np.datetime64("NaT"))),
        delisted=pl.Series(np.where(last < n_sessions - 1, sessions[last], np.datetime64("NaT"))),
    )
    index = pl.DataFrame(
        {
            "name_en": ["Demo 300 Index (Synthetic)"], "name_zh": ["演示300指数（合成）"], "pinyin": ["YS300ZS"],
            "kind": ["index"], "lot": [1], "instrument": [DEMO_BENCHMARK],
        }
    )  # fmt: skip
    return (
        pl.concat([stocks, index], how="diagonal")
        .select(
            "instrument", pl.lit("DEMO").alias("market"), pl.col("instrument").str.head(-5).alias("ticker"), "kind",
            "name_en", "name_zh", "pinyin", "sector", "industry", pl.lit(None, pl.String).alias("exchange"),
            pl.lit("CNY").alias("currency"), pl.col("lot").cast(pl.Int32), "listed", "delisted",
        )
        .sort("instrument")
    )  # fmt: skip


def _industries(listed: pl.DataFrame, first: date) -> pl.DataFrame:
    # nobody changes its trade: one spell for each level, from the listing to the end
    levels = [
        listed.filter(pl.col("kind") == "stock").select(
            "instrument", "market", pl.col("listed").fill_null(first).alias("start"), pl.col("delisted").alias("end"),
            scheme=pl.lit("demo"), level=pl.lit(level, pl.Int32), code=pl.lit(None, pl.String), industry=pl.col(column),
        )
        for level, column in enumerate(("sector", "industry"), 1)
    ]  # fmt: skip
    order = ("scheme", "level", "instrument", "market", "code", "industry", "start", "end")
    return pl.concat(levels).select(order).sort("level", "instrument", "start")


def _corporate_actions(prices: SimulatedPrices, ids: np.ndarray, sessions: np.ndarray) -> pl.DataFrame:
    before = np.vstack([np.ones(len(ids)), prices.factor[:-1]])
    frames = []
    for action, value in (("dividend", prices.dividend), ("split", prices.split)):
        t, i = np.nonzero(value > 0)
        frames.append(
            pl.DataFrame(
                {
                    "instrument": ids[i], "session": sessions[t], "value": value[t, i],
                    "factor_step": prices.factor[t, i] / before[t, i],
                }
            ).with_columns(action=pl.lit(action), market=pl.lit("DEMO"))
        )  # fmt: skip
    order = ("instrument", "session", "market", "action", "value", "factor_step")
    return pl.concat(frames).select(order).sort("instrument", "session", "action")


def _fundamentals(
    rng: np.random.Generator, prices: SimulatedPrices, ids: np.ndarray, sessions: np.ndarray
) -> pl.DataFrame:
    # quarters end with their month; a report becomes known 25 to 110 days later, one in fifty is amended after that
    quarters = np.arange(sessions[0].astype("datetime64[M]"), sessions[-1].astype("datetime64[M]"))
    ends = quarters[quarters.astype(int) % 3 == 0].astype("datetime64[D]") - 1
    shape = (len(ends), len(ids))
    assets = (
        prices.shares * prices.close[prices.listed.argmax(axis=0), np.arange(len(ids))] * rng.uniform(0.8, 3, len(ids))
    )
    growth = np.exp(np.cumsum(rng.normal(0.02, 0.03, shape), axis=0))
    season = 1 + 0.1 * np.sin(np.arange(len(ends)) * np.pi / 2)[:, None]
    revenue = assets * rng.uniform(0.05, 0.25, len(ids)) * growth * season
    margin = rng.uniform(0.02, 0.2, len(ids)) + rng.normal(0, 0.02, shape)
    known = ends[:, None] + rng.integers(25, 111, shape)
    at = np.searchsorted(sessions, ends, side="right") - 1
    listed = prices.listed[at.clip(0)] & (at >= 0)[:, None] & (known <= sessions[-1])
    shares = prices.shares * np.cumprod(np.where(prices.split > 0, prices.split, 1.0), axis=0)[at.clip(0)]
    q, i = np.nonzero(listed)
    net = (revenue * margin)[q, i]
    first = pl.DataFrame(
        {
            "instrument": ids[i], "period_end": ends[q], "known_at": known[q, i], "revenue": revenue[q, i],
            "operating_income": net * 1.25, "net_income": net, "eps": net / shares[q, i],
            "assets": (assets * growth)[q, i], "liabilities": (assets * growth * 0.55)[q, i],
            "equity": (assets * growth * 0.45)[q, i],
            "operating_cash_flow": net * rng.uniform(0.6, 1.5, len(q)), "shares": shares[q, i],
        }
    )  # fmt: skip
    amended = first.filter(pl.Series(rng.random(len(q)) < 0.02)).with_columns(
        pl.col("net_income", "eps") * 0.97, known_at=pl.col("known_at") + pl.duration(days=45)
    )
    money = ("revenue", "operating_income", "net_income", "assets", "liabilities", "equity", "operating_cash_flow")
    return (
        pl.concat([first, amended.filter(pl.col("known_at") <= pl.lit(sessions[-1]))])
        .with_columns(pl.col(money).round(0), pl.col("eps").round(4))
        .select(
            "instrument", pl.lit("DEMO").alias("market"), pl.lit("quarterly").alias("item_set"), "period_end",
            "known_at", pl.col("known_at").dt.year().alias("known_year"), *money[:3], "eps", *money[3:], "shares",
        )
        .sort("instrument", "period_end", "known_at")
    )  # fmt: skip


def _universe(member: np.ndarray, ids: np.ndarray, sessions: np.ndarray) -> pl.DataFrame:
    edges = np.diff(np.pad(member.astype(np.int8), ((1, 1), (0, 0))), axis=0).T
    i, start = np.nonzero(edges == 1)
    _, stop = np.nonzero(edges == -1)
    end = np.where(stop < len(sessions), sessions[stop - 1], np.datetime64("NaT"))
    return pl.DataFrame(
        {"universe": np.full(len(i), DEMO_UNIVERSE), "instrument": ids[i], "start": sessions[start], "end": end}
    ).sort("instrument", "start")
