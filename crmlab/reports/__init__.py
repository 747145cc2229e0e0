"""Reports: from data to models, pictures and files in one call."""

from crmlab.reports.customers import MODELS, CustomerReport, customer_report

__all__ = ["MODELS", "CustomerReport", "customer_report"]
