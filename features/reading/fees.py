"""Product codes and names that speak of fees, corrections and tests rather than goods."""

from __future__ import annotations

import re

import pandas as pd

_FEE = (
    r"postage|carriage|shipping|delivery|freight|handling|manual|discounts?|bank charges?|charges?|"
    r"fees?|commissions?|samples?|adjust(ment|ed)?s?|bad debts?|surcharges?|deposits?|tips?|refunds?|"
    r"gift ?wrap(ping)?|rounding|donations?|versand(kosten)?|porto|rabatt|gebühr(en)?|pfand|"
    r"frais( de port)?|livraison|remise|运费|邮费|折扣|手续费|押金"
)
_HAS_FEE = re.compile(rf"\b({_FEE})\b", re.IGNORECASE)
# regular codes need a name that says nothing else: 'POSTAGE STAMP MUG' is a product
_ONLY_FEE = re.compile(rf"({_FEE}|\W|\b(and|und|et|packing|packaging|costs?)\b)+", re.IGNORECASE)
_CODE_FEE = re.compile(r"^(post|dot|ship|freight)$|fee$|charge", re.IGNORECASE)
_CORRECTION = re.compile(
    r"\b(bad debts?|write[ -]?offs?|adjust(ment|ed)?s?|corrections?|forderungsausfall|坏账|调账)\b",
    re.IGNORECASE,
)
_TEST_WORDS = "tests?|testing|dummy|do not use|placeholder|测试"
_TEST = re.compile(rf"\b({_TEST_WORDS})\b|^test", re.IGNORECASE)
_TRIAL_CODE = re.compile(r"tests?[-_ ]?\d*", re.IGNORECASE)
_TRIAL_NAME = re.compile(
    rf"(this is )?(an? )?({_TEST_WORDS})"
    r"([ _-]?(product|products|item|article|order|sku|code|商品|产品))?[ _-]?\d*[ .!]*",
    re.IGNORECASE,
)
_DELIVERY = re.compile(
    r"(postage|carriage|shipping|delivery|freight|handling|versand(kosten)?|porto|frais de port|"
    r"livraison|运费|邮费|\W|\b(and|und|et|packing|packaging|costs?|charges?|fees?|next|same|day|"
    r"standard|express|free|dotcom)\b)+",
    re.IGNORECASE,
)
_HAS_DELIVERY = re.compile(
    r"\b(postage|carriage|shipping|delivery|freight|versand(kosten)?|porto|frais de port|livraison)\b"
    r"|运费|邮费",
    re.IGNORECASE,
)
_USUAL = 0.9


def is_regular(codes: pd.Series[str], lines: pd.Series[int]) -> pd.Series[bool]:
    """Which codes have the form that most lines have; only a name can tell those.

    Parameters
    ----------
    codes : product codes
    lines : on how many lines each stands
    """
    regular = codes.str.count(r"\d") >= 3
    if lines[regular].sum() < _USUAL * lines.sum():
        # codes of words and letters have no form to depart from
        return pd.Series(data=True, index=codes.index)
    return regular


def is_fee(code: str, name: str) -> bool:
    """Whether the code or a word of the name speaks of a fee or a correction.

    >>> is_fee("DOT", "DOTCOM POSTAGE"), is_fee("22423", "REGENCY CAKESTAND")
    (True, False)
    """
    return bool(_HAS_FEE.search(name) or _CODE_FEE.search(code))


def is_only_fee(name: str) -> bool:
    """Whether a name says nothing but a fee.

    >>> is_only_fee("PACKING CHARGE"), is_only_fee("POSTAGE STAMP MUG")
    (True, False)
    """
    return bool(name and _ONLY_FEE.fullmatch(name) and _HAS_FEE.search(name))


def is_delivery(name: str) -> bool:
    """Whether a name says nothing but that goods are brought.

    >>> is_delivery("Next Day Carriage"), is_delivery("POSTAGE STAMP MUG"), is_delivery("Gift wrap")
    (True, False, False)
    """
    return bool(_DELIVERY.fullmatch(name) and _HAS_DELIVERY.search(name))


def is_correction(name: str) -> bool:
    """Whether a name speaks of bookkeeping: bad debts, adjustments.

    >>> is_correction("Adjust bad debt")
    True
    """
    return bool(_CORRECTION.search(name))


def is_trial(code: str, name: str) -> bool:
    """Whether a code or name is nothing but a trial of the till: goods may be tests, too.

    >>> is_trial("TEST001", "Sample"), is_trial("9", "This is a test product.")
    (True, True)
    >>> is_trial("9", "Pregnancy test kits"), is_trial("8", "Testing kit")
    (False, False)
    """
    return bool(_TRIAL_CODE.fullmatch(code.strip()) or _TRIAL_NAME.fullmatch(name.strip()))


def is_test(code: str, name: str) -> bool:
    """Whether a code or name speaks of a trial of the till.

    >>> is_test("TEST001", "This is a test product."), is_test("22423", "Latest cakestand")
    (True, False)
    """
    return bool(_TEST.search(code) or _TEST.search(name))
