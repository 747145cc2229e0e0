"""Real data with their cards, and the way from a transaction log to a customer summary."""

from crmlab.data.adopters import doctor_months, load_durables, load_tetracycline
from crmlab.data.apparel import load_apparel, load_apparel_customers, load_apparel_weeks
from crmlab.data.call_centre import load_calls
from crmlab.data.cdnow import load_cdnow_log, load_cdnow_sample, load_cdnow_summary
from crmlab.data.churn import load_churn
from crmlab.data.complaints import load_cfpb
from crmlab.data.counties import load_mpdta
from crmlab.data.ereader import load_ereader
from crmlab.data.exports import Import, import_export, market_tables, write_export, write_scores
from crmlab.data.framing import load_framing
from crmlab.data.hillstrom import load_hillstrom
from crmlab.data.locating import how_to_get, is_available
from crmlab.data.logs import LogOptions
from crmlab.data.mobi import load_mobi
from crmlab.data.neighbourhood import load_kano
from crmlab.data.panels import choice_rows, repeat_choices
from crmlab.data.parted import SummaryParts, summary_in_parts
from crmlab.data.privacy import load_privacy
from crmlab.data.published import load_contract_survivors, load_reichheld_sasser
from crmlab.data.ratings import load_coat, load_movielens
from crmlab.data.scanner import load_catsup, load_cracker
from crmlab.data.segments import load_bank, load_mcdonalds
from crmlab.data.service_quality import load_nca, load_servqual_correlations, load_sq
from crmlab.data.soldiers import load_univbct
from crmlab.data.summary import DataQualityWarning, customer_summary, quality_report
from crmlab.data.tea import load_tea
from crmlab.data.verification import Verified, verified
from crmlab.data.workplaces import load_bh1996, load_nhs

__all__ = [
    "DataQualityWarning",
    "Import",
    "LogOptions",
    "SummaryParts",
    "Verified",
    "choice_rows",
    "customer_summary",
    "doctor_months",
    "how_to_get",
    "import_export",
    "is_available",
    "load_apparel",
    "load_apparel_customers",
    "load_apparel_weeks",
    "load_bank",
    "load_bh1996",
    "load_calls",
    "load_catsup",
    "load_cdnow_log",
    "load_cdnow_sample",
    "load_cdnow_summary",
    "load_cfpb",
    "load_churn",
    "load_coat",
    "load_contract_survivors",
    "load_cracker",
    "load_durables",
    "load_ereader",
    "load_framing",
    "load_hillstrom",
    "load_kano",
    "load_mcdonalds",
    "load_mobi",
    "load_movielens",
    "load_mpdta",
    "load_nca",
    "load_nhs",
    "load_privacy",
    "load_reichheld_sasser",
    "load_servqual_correlations",
    "load_sq",
    "load_tea",
    "load_tetracycline",
    "load_univbct",
    "market_tables",
    "quality_report",
    "repeat_choices",
    "summary_in_parts",
    "verified",
    "write_export",
    "write_scores",
]
