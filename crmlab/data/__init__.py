"""Real data with their cards, and the way from a transaction log to a customer summary."""

from crmlab.data.cdnow import load_cdnow_log, load_cdnow_sample, load_cdnow_summary
from crmlab.data.published import load_contract_survivors, load_reichheld_sasser
from crmlab.data.summary import DataQualityWarning, customer_summary, quality_report

__all__ = ["DataQualityWarning", "customer_summary", "load_cdnow_log", "load_cdnow_sample", "load_cdnow_summary",
           "load_contract_survivors", "load_reichheld_sasser", "quality_report"]
