"""Frame in, ECharts option out: one chart per module, no data access."""
