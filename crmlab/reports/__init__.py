"""Reports: from data to models, pictures and files in one call."""

from crmlab.reports.customers import MODELS, CustomerReport, customer_report
from crmlab.reports.parted import PartedReport, forecast_in_parts, report_in_parts

__all__ = [
    "MODELS",
    "CustomerReport",
    "PartedReport",
    "customer_report",
    "forecast_in_parts",
    "report_in_parts",
]
