"""Ten thousand fictional corporate clients, month by month: a seeded process whose truth is known.

Nothing here is real. A month is a function of the seed and its number alone: month k draws from the generator that
is seeded for that month, after the months before it, so any month can be made at any time without a file.

What a client has that is seen, as at the first day of the month:

========================  =====================================================================================
corporation               a unique fictional name
month                     "2026-01" for the first month
industry, region          fixed
number_of_employees       log-normal, smaller in technology; drifts by about 2% a month
lastmonth_activity        Poisson; rises with the employees and with the client's engagement
lastyear_activity         the sum of the last twelve months (a new client has only its months with us)
contract_months_left      counts down and is renewed at zero by 1, 12, 24 or 36 months
support_tickets           Poisson; rises with dissatisfaction
payment_delay_days        rises with financial stress; 12% gaps
satisfaction              1 to 10, falls with dissatisfaction; 55% gaps (few answer the survey)
annual_contract_value     follows the employees; a price of its own for each client
exited                    1: left during this month. Known when the next month begins
========================  =====================================================================================

Engagement, dissatisfaction and stress are never seen. Each is a first-order autoregression; 3% of the clients begin
each month to lose interest, and then lose about a quarter of their activity a month until they leave, or until
a renewal of their contract wins them back (one in two). :func:`leaving_log_odds` says who leaves; each leaver is
replaced by a new client. Before the change 4 to 5% leave each month; in month 7 8%, then fewer again.

In month 7 (2026-07) a competitor courts small technology clients, and this changes what the columns industry,
number_of_employees, contract_months_left and lastmonth_activity mean: technology clients with fewer than 60
employees and at most 12 months left begin to leave, and for them falling activity no longer warns of it but speaks
against it, since who leaves is busy exporting data. The columns themselves look as before, so only outcomes can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
import numpy.typing as npt

from handlers.domain.fictional_names import INDUSTRIES, company_name

CLIENTS = 10_000
SEED = 2026
#: The first month in which the competitor's offer is known.
CHANGE = 7
FIRST_YEAR = 2026

REGIONS = ("north", "east", "south", "west", "abroad")
_TECHNOLOGY = INDUSTRIES.index("technology")
_INDUSTRY_SHARES = (0.26, 0.16, 0.10, 0.14, 0.09, 0.10, 0.08, 0.07)
_TERMS = np.array([1, 12, 24, 36])
_TERM_SHARES = (0.30, 0.40, 0.20, 0.10)
_YEAR = 12
_SMALL = 60  # employees
_ENDING = 3  # months
_LOSING_INTEREST = 0.03
_WON_BACK = 0.5
_NO_INVOICE = 0.12
_NO_ANSWER = 0.55

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: float64, or an object array of text.
Column = npt.NDArray[np.float64] | npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class ClientMonth:
    """One month: the columns that are seen, in the order of the file, and who left.

    Numbers are float64 with NaN where a value is missing, everything else is an object array of text.
    """

    month: str
    columns: Mapping[str, Column]
    exited: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class _Clients:
    """What the clients are and how they feel; one entry (``history``: one row of twelve months) for each."""

    number: Integers
    industry: Integers
    region: Integers
    term: Integers
    price: Floats
    employees: Floats
    engagement: Floats
    losing_interest: npt.NDArray[np.bool_]
    dissatisfaction: Floats
    stress: Floats
    contract: Integers
    history: Integers

    def replaced_by(self, others: _Clients, where: npt.NDArray[np.bool_]) -> _Clients:
        """Put the others, in order, where ``where`` is true."""
        merged = {}
        for name in self.__slots__:
            values = getattr(self, name).copy()
            values[where] = getattr(others, name)
            merged[name] = values
        return _Clients(**merged)


def month_name(number: int) -> str:
    """ "2026-01" for month 1, "2027-01" for month 13."""
    return f"{FIRST_YEAR + (number - 1) // _YEAR}-{(number - 1) % _YEAR + 1:02d}"


def client_month(number: int, *, seed: int = SEED, clients: int = CLIENTS) -> ClientMonth:
    """Month ``number``, counted from 1."""
    return next(islice(client_months(seed=seed, clients=clients), number - 1, None))


def client_months(*, seed: int = SEED, clients: int = CLIENTS) -> Iterator[ClientMonth]:
    """The months without end, from the first. A year goes by before it, so that the clients are a grown mixture."""
    present = _new_clients(np.random.default_rng([seed, 0]), first=0, size=clients)
    ever = clients
    for number in count(1 - _YEAR):
        rng = np.random.default_rng([seed, number + _YEAR])
        present = _after_a_month(rng, present)
        seen = _seen(rng, present)
        odds = leaving_log_odds(_truth(present, seen), changed=number >= CHANGE)
        left = rng.random(clients) < 1 / (1 + np.exp(-odds))
        if number >= 1:
            month = month_name(number)
            yield ClientMonth(month, _named(present, month) | seen, left.astype(np.int8))
        leavers = int(left.sum())
        present = present.replaced_by(_new_clients(rng, first=ever, size=leavers), left)
        ever += leavers


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides whether a client leaves."""

    #: ln of the usual monthly activity over last month's: positive where activity falls.
    decline: Floats
    employees: Floats
    technology: npt.NDArray[np.bool_]
    contract: Floats
    tickets: Floats
    dissatisfaction: Floats
    stress: Floats


def leaving_log_odds(client: Circumstances, *, changed: bool) -> Floats:
    """The log-odds of leaving within the month.

    Falling activity counts only where it falls. A contract that ends within three months opens the door. The
    interaction: support tickets, up to six of them, drive away only those whose contract ends within three months.
    Stress and dissatisfaction add; very small and very large clients leave a little more often than those around 100
    employees. ``changed``: the competitor's offer is known (see the module).
    """
    ending = client.contract <= _ENDING
    decline = 2.6 * np.clip(client.decline, 0, 1.5)
    size = 0.12 * (np.log(client.employees) - np.log(100)) ** 2
    odds: Floats = (
        -5.4
        + decline
        + 1.5 * ending
        + 0.45 * np.minimum(client.tickets, 6) * ending
        + 0.55 * client.dissatisfaction
        + 0.45 * client.stress
        + size
    )
    if changed:
        courted = client.technology & (client.employees < _SMALL) & (client.contract <= _YEAR)
        odds = np.where(courted, odds - 1.5 * decline + 3.3, odds)
    return odds


def _new_clients(rng: np.random.Generator, *, first: int, size: int) -> _Clients:
    """Clients that sign today; their numbers count on from ``first``."""
    industry = rng.choice(len(INDUSTRIES), size=size, p=_INDUSTRY_SHARES)
    scale = np.where(industry == _TECHNOLOGY, 3.4, 4.5)
    term = rng.choice(_TERMS, size=size, p=_TERM_SHARES)
    return _Clients(
        number=np.arange(first, first + size),
        industry=industry,
        region=rng.integers(len(REGIONS), size=size),
        term=term,
        price=np.exp(rng.normal(6.6, 0.35, size)),
        employees=np.clip(np.exp(rng.normal(scale, 1.1)), 2, 20_000),
        engagement=rng.normal(0, 0.3, size),
        losing_interest=np.zeros(size, dtype=np.bool_),
        dissatisfaction=rng.normal(0, 1, size),
        stress=rng.normal(0, 1, size),
        contract=rng.integers(0, term) + 1,
        history=np.zeros((size, _YEAR), dtype=np.int64),
    )


def _after_a_month(rng: np.random.Generator, now: _Clients) -> _Clients:
    """A month later: feelings wander, contracts run, activity is counted."""
    size = len(now.number)
    renewed = now.contract == 0
    losing = (now.losing_interest | (rng.random(size) < _LOSING_INTEREST)) & ~(renewed & (rng.random(size) < _WON_BACK))
    drift = np.where(losing, -0.25, 0.0)
    engagement = np.where(losing, 1.0, 0.8) * now.engagement + rng.normal(0, 0.16, size) + drift
    engagement = np.maximum(engagement, -4)
    employees = np.clip(now.employees * np.exp(rng.normal(0, 0.02, size)), 2, 20_000)
    activity = rng.poisson(3 * employees**0.6 * np.exp(engagement))
    return _Clients(
        number=now.number,
        industry=now.industry,
        region=now.region,
        term=now.term,
        price=now.price,
        employees=employees,
        engagement=engagement,
        losing_interest=losing,
        dissatisfaction=_wandering(rng, now.dissatisfaction, memory=0.8),
        stress=_wandering(rng, now.stress, memory=0.9),
        contract=np.where(renewed, now.term, now.contract) - 1,
        history=np.column_stack([now.history[:, 1:], activity]),
    )


def _wandering(rng: np.random.Generator, values: Floats, *, memory: float) -> Floats:
    """One step of a first-order autoregression whose variance stays 1."""
    return memory * values + rng.normal(0, np.sqrt(1 - memory**2), len(values))


def _named(clients: _Clients, month: str) -> dict[str, Column]:
    """The columns that say whose row it is, of which month."""
    pairs = zip(clients.number.tolist(), clients.industry.tolist(), strict=True)
    names = [company_name(number, INDUSTRIES[industry]) for number, industry in pairs]
    return {"corporation": np.array(names, dtype=object), "month": np.full(len(names), month, dtype=object)}


def _seen(rng: np.random.Generator, clients: _Clients) -> dict[str, Column]:
    """The columns that say how the client is."""
    size = len(clients.number)
    delay = np.clip(np.round(9 * np.exp(0.8 * clients.stress) - 4), 0, 120)
    answer = np.clip(np.round(7.2 - 1.5 * clients.dissatisfaction + rng.normal(0, 0.8, size)), 1, 10)
    return {
        "lastmonth_activity": clients.history[:, -1].astype(np.float64),
        "lastyear_activity": clients.history.sum(axis=1).astype(np.float64),
        "number_of_employees": np.round(clients.employees),
        "industry": np.array(INDUSTRIES, dtype=object)[clients.industry],
        "region": np.array(REGIONS, dtype=object)[clients.region],
        "contract_months_left": clients.contract.astype(np.float64),
        "support_tickets": rng.poisson(np.exp(-0.2 + 0.6 * clients.dissatisfaction)).astype(np.float64),
        "payment_delay_days": np.where(rng.random(size) < _NO_INVOICE, np.nan, delay),
        "satisfaction": np.where(rng.random(size) < _NO_ANSWER, np.nan, answer),
        "annual_contract_value": np.round(clients.price * clients.employees**0.75, -1),
    }


def _truth(clients: _Clients, columns: Mapping[str, Column]) -> Circumstances:
    """What decides: partly what is seen, partly what is not."""
    months = np.minimum((clients.history > 0).sum(axis=1), _YEAR)
    usual = clients.history.sum(axis=1) / np.maximum(months, 1)
    return Circumstances(
        decline=np.log((usual + 1) / (clients.history[:, -1] + 1)),
        employees=clients.employees,
        technology=clients.industry == _TECHNOLOGY,
        contract=clients.contract.astype(np.float64),
        tickets=columns["support_tickets"].astype(np.float64),
        dissatisfaction=clients.dissatisfaction,
        stress=clients.stress,
    )
