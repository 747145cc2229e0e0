"""Who joins the scheme, takes up the second channel, and is sent what: by liking, by habit, by lot."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from crmlab.company.customers import Customers
from crmlab.company.month import Month

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LETTER_MONTH = 18  # from which on half of the customers, by lot, are encouraged to use the second channel
FIRST_MAILING, EVERY = 4, 3  # months
BY_LOT = 0.5  # the chance of being sent a mailing by lot
TARGETED = -1.0  # logit of being mailed of a customer of usual habit


@dataclass(frozen=True, eq=False)
class Mailing:
    """A month's mailing to those in the books, one a row.

    Attributes
    ----------
    sent, read : arrays of bool
    propensity : array
        The chance of being sent it; missing where a firm decided.
    """

    sent: Flags
    read: Flags
    propensity: Array


def join_scheme(now: Customers, month: Month) -> None:
    """Some who could be members become so."""
    forced = month.switch("membership")
    if forced == 0 or (forced is None and month.decision.scheme is False):
        return
    outside = now.member > month.number
    if forced == 1:
        now.member = np.where(outside, month.number, now.member).astype(np.int16)
        return
    is_open = (month.branches.launch[now.branch] <= month.number) | (month.decision.scheme is True)
    row = np.flatnonzero(outside & is_open)
    p = month.p
    logit = p.joining + p.attitude_to_joining * now.attitude[row] + p.habit_to_joining * now.habit[row]
    logit += p.branch_to_joining * month.branches.quality[now.branch[row]] + month.decision.push
    joins = month.draw.uniform(now.key[row], "membership") < expit(logit)
    now.member[row[joins]] = month.number


def take_up_channel(now: Customers, month: Month) -> None:
    """Some of those with one channel take up the second."""
    forced = month.switch("second_channel")
    outside = now.channel > month.number
    if forced == 0:
        return
    if forced == 1:
        now.channel = np.where(outside, month.number, now.channel).astype(np.int16)
        return
    row = np.flatnonzero(outside)
    p = month.p
    letter = now.encouraged[row] & (month.number >= LETTER_MONTH)
    logit = p.channel_choice + p.habit_to_channel * now.habit[row] + p.encouragement * letter
    takes = month.draw.uniform(now.key[row], "second channel") < expit(logit)
    now.channel[row[takes]] = month.number


def calendar_mailing(booked: Customers, month: Month) -> Mailing | None:
    """The company's own mailing: every third month, by lot and by habit in turn; nothing in other months."""
    at = month.number - FIRST_MAILING
    if at < 0 or at % EVERY:
        return None
    aimed = expit(TARGETED + month.p.habit_to_targeting * booked.habit)
    propensity = np.full(len(booked), BY_LOT) if at // EVERY % 2 == 0 else aimed
    sent = month.draw.uniform(booked.key, "mailing") < propensity
    return _delivered(booked, month, sent, propensity)


def decided_mailing(booked: Customers, month: Month, sent: Flags) -> Mailing | None:
    """A mailing to whom the firm has chosen."""
    return _delivered(booked, month, sent, np.full(len(booked), np.nan))


def _delivered(booked: Customers, month: Month, sent: Flags, propensity: Array) -> Mailing | None:
    """Who reads it, unless ``do`` lets nobody or everybody."""
    forced, n = month.switch("campaign"), len(booked)
    if forced == 1:
        return Mailing(np.ones(n, bool), np.ones(n, bool), np.ones(n))
    read = sent & (month.draw.uniform(booked.key, "reading") < month.p.reading)
    return None if forced == 0 else Mailing(sent, read, propensity)
