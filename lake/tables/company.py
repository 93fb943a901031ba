"""What companies reported, and when it became known."""

from lake.tables.declaration import Retention, Table, columns
from lake.tables.parts import BOOL, DATE, F64, I32, INSTRUMENT, MARKET, TEXT

__all__ = ["COMPANY_TABLES"]

COMPANY_TABLES = (
    Table(
        "fundamentals", "Figures of one reporting period as one filing gave them.",
        columns(
            INSTRUMENT, MARKET,
            ("item_set", TEXT, "Which figures: quarterly or annual."),
            ("period_end", DATE, "Last day of the reporting period."),
            ("known_at", DATE, "Day the figures became public; nothing may use them before."),
            ("known_year", I32, "Calendar year of known_at."),
            ("revenue?", F64, "Revenue of the period.", "currency"),
            ("operating_income?", F64, "Operating income of the period.", "currency"),
            ("net_income?", F64, "Net income of the period.", "currency"),
            ("eps?", F64, "Basic earnings per share of the period.", "currency"),
            ("assets?", F64, "Total assets at the period's end.", "currency"),
            ("liabilities?", F64, "Total liabilities at the period's end.", "currency"),
            ("equity?", F64, "Shareholders' equity at the period's end.", "currency"),
            ("operating_cash_flow?", F64, "Cash from operations in the period.", "currency"),
            ("shares?", F64, "Shares outstanding at the period's end.", "shares"),
            ("fiscal_year?", I32, "Fiscal year the period belongs to, as the company counts."),
            ("fiscal_period?", TEXT, "Q1, Q2, Q3, Q4 or FY; FY figures are of the whole year."),
            ("form?", TEXT, "Kind of filing: 10-Q, 10-K, 年报."),
            ("amended?", BOOL, "Whether the filing corrects an earlier one of the same period."),
            ("eps_diluted?", F64, "Diluted earnings per share of the period.", "currency"),
            ("dividend_per_share?", F64, "Dividends declared per share in the period.", "currency"),
            ("cash?", F64, "Cash and equivalents at the period's end.", "currency"),
            ("current_assets?", F64, "Current assets at the period's end.", "currency"),
            ("current_liabilities?", F64, "Current liabilities at the period's end.", "currency"),
            ("investing_cash_flow?", F64, "Cash from investing in the period.", "currency"),
            ("financing_cash_flow?", F64, "Cash from financing in the period.", "currency"),
            ("reported_in?", TEXT, "Currency of the figures, ISO 4217; null: the market's own."),
        ),
        key=("instrument", "item_set", "period_end", "known_at"), partitions=("known_year",),
        sort=("instrument", "period_end", "known_at"), retention=Retention("known_at"),
    ),
)  # fmt: skip
