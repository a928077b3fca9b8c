"""Names of companies that do not exist: readable, and different for every number."""

from __future__ import annotations

_FIRST = (  # noqa: SIM905 - eighty pairs of quotes would hide the words
    "Amber Arctic Ashen Autumn Azure Birch Blue Bold Brass Bright Bronze Calm Cedar Clear Coral Crimson Dusty Early "
    "Eastern Ember Fair Fern Fleet Frost Gentle Gilded Golden Granite Green Hazel High Humble Indigo Iron Ivory Jade "
    "Juniper Keen Kind Late Laurel Linen Lively Lunar Maple Marble Mellow Misty Modest Mossy Noble Northern Ochre "
    "Olive Opal Patient Pearl Pine Plain Polar Proud Quartz Quiet Rapid Red Royal Rustic Sable Sandy Scarlet Silent "
    "Silver Slate Solar Sturdy Sunny Swift Teal Umber Upper Velvet Warm White Wild Winter"
).split()
_SECOND = (  # noqa: SIM905 - eighty pairs of quotes would hide the words
    "Anchor Arch Arrow Bay Beacon Bell Bend Bison Bloom Bluff Bridge Brook Canal Cape Castle Cliff Cloud Compass Cove "
    "Crane Creek Crest Crown Dale Delta Dock Dove Dune Eagle Elm Falcon Field Finch Fjord Forge Fox Gate Glade Glen "
    "Grove Gull Harbor Haven Hawk Heath Heron Hill Hollow Island Key Kite Lake Lantern Lark Ledge Lodge Lynx Marsh "
    "Meadow Mill Moor Oak Orchard Otter Owl Path Peak Pier Plaza Pond Port Quarry Raven Reef Ridge River Robin Rock"
).split()
_KINDS = {
    "technology": ("Data", "Cloudware", "Systems", "Robotics"),
    "manufacturing": ("Works", "Steel", "Tools", "Machines"),
    "logistics": ("Freight", "Cargo", "Lines", "Couriers"),
    "retail": ("Stores", "Market", "Goods", "Outlets"),
    "finance": ("Capital", "Trust", "Credit", "Advisors"),
    "health": ("Clinics", "Pharma", "Care", "Dental"),
    "hospitality": ("Hotels", "Catering", "Travel", "Resorts"),
    "building": ("Builders", "Concrete", "Estates", "Roofing"),
}
_KINDS_EACH = 4
_CAPACITY = len(_FIRST) * len(_SECOND) * _KINDS_EACH
#: Prime, and no divisor of the capacity: successive numbers get names that have nothing in common.
_STRIDE = 7919

INDUSTRIES = tuple(_KINDS)


def company_name(number: int, industry: str) -> str:
    """The name of client ``number`` (0, 1, 2, ...). Different numbers have different names, in any industry.

    The words for an industry are its own, so the chosen positions tell names apart; when all combinations
    are used up, a second round appends a 2.
    """
    generation, position = divmod(number, _CAPACITY)
    position = position * _STRIDE % _CAPACITY
    position, kind = divmod(position, _KINDS_EACH)
    first, second = divmod(position, len(_SECOND))
    name = f"{_FIRST[first]} {_SECOND[second]} {_KINDS[industry][kind]}"
    return name if generation == 0 else f"{name} {generation + 1}"
