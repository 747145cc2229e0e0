"""Reports: from data to models, pictures and files in one call."""

from crmlab.reports.customers import MODELS, CustomerReport, customer_report
from crmlab.reports.parted import PartedReport, forecast_in_parts, report_in_parts
from crmlab.reports.periods import PERIODS, PeriodReport, period_report

__all__ = [
    "MODELS",
    "PERIODS",
    "CustomerReport",
    "PartedReport",
    "PeriodReport",
    "customer_report",
    "forecast_in_parts",
    "period_report",
    "report_in_parts",
]
