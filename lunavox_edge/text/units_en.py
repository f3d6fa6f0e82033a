"""English: names of units, for measures_en."""

from __future__ import annotations

_PREFIXES = {
    "": "",
    "n": "nano",
    "µ": "micro",
    "μ": "micro",
    "m": "milli",
    "c": "centi",
    "d": "deci",
    "h": "hecto",
    "k": "kilo",
    "M": "mega",
    "G": "giga",
    "T": "tera",
}


def _metric(symbol: str, one: str, many: str, *prefixes: str) -> dict[str, tuple[str, str]]:
    return {prefix + symbol: (_PREFIXES[prefix] + one, _PREFIXES[prefix] + many) for prefix in prefixes}


UNITS: dict[str, tuple[str, str]] = {
    **_metric("m", "meter", "meters", "", "k", "c", "d", "m", "µ", "μ", "n"),
    **_metric("g", "gram", "grams", "", "k", "m", "µ", "μ"),
    **_metric("g/m³", "gram per cubic meter", "grams per cubic meter", "", "m", "µ", "μ"),
    **_metric("l", "liter", "liters", "", "c", "d", "m"),
    **_metric("L", "liter", "liters", "", "c", "d", "m"),
    **_metric("W", "watt", "watts", "", "m", "k", "M", "G"),
    **_metric("Wh", "watt hour", "watt hours", "", "k", "M", "G"),
    **_metric("V", "volt", "volts", "", "m", "k"),
    **_metric("A", "amp", "amps", "m"),
    **_metric("Ah", "amp hour", "amp hours", "", "m"),
    **_metric("J", "joule", "joules", "k", "M"),
    **_metric("cal", "calorie", "calories", "k"),
    **_metric("B", "byte", "bytes", "k", "M", "G", "T"),
    **_metric("bit/s", "bit per second", "bits per second", "k", "M", "G"),
    **_metric("bps", "bit per second", "bits per second", "k", "M", "G"),
    **_metric("Pa", "pascal", "pascals", "", "h", "k", "M"),
    **_metric("bar", "bar", "bars", "", "m"),
    **_metric("Ω", "ohm", "ohms", "", "k", "M"),
    **_metric("s", "second", "seconds", "", "m", "µ", "μ", "n"),
    **_metric("Hz", "hertz", "hertz", "", "k", "M", "G"),
    "KB": ("kilobyte", "kilobytes"),
    "KiB": ("kibibyte", "kibibytes"),
    "MiB": ("mebibyte", "mebibytes"),
    "GiB": ("gibibyte", "gibibytes"),
    "inHg": ("inch of mercury", "inches of mercury"),
    "mmHg": ("millimeter of mercury", "millimeters of mercury"),
    "psi": ("pound per square inch", "pounds per square inch"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "° C": ("degree Celsius", "degrees Celsius"),
    "C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "° F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "º": ("degree", "degrees"),
    "ºC": ("degree Celsius", "degrees Celsius"),
    "ºF": ("degree Fahrenheit", "degrees Fahrenheit"),
    "%": ("percent", "percent"),
    "‰": ("per mille", "per mille"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "kn": ("knot", "knots"),
    "kt": ("knot", "knots"),
    "kts": ("knot", "knots"),
    "m²": ("square meter", "square meters"),
    "m2": ("square meter", "square meters"),
    "sq m": ("square meter", "square meters"),
    "km²": ("square kilometer", "square kilometers"),
    "km2": ("square kilometer", "square kilometers"),
    "cm²": ("square centimeter", "square centimeters"),
    "m³": ("cubic meter", "cubic meters"),
    "m3": ("cubic meter", "cubic meters"),
    "cm³": ("cubic centimeter", "cubic centimeters"),
    "ft²": ("square foot", "square feet"),
    "sq ft": ("square foot", "square feet"),
    "sqft": ("square foot", "square feet"),
    "ft": ("foot", "feet"),
    "mi": ("mile", "miles"),
    "yd": ("yard", "yards"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "gal": ("gallon", "gallons"),
    "tsp": ("teaspoon", "teaspoons"),
    "tbsp": ("tablespoon", "tablespoons"),
    "h": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "yr": ("year", "years"),
    "yrs": ("year", "years"),
    "dB": ("decibel", "decibels"),
    "dBm": ("decibel milliwatt", "decibel milliwatts"),
    "lx": ("lux", "lux"),
    "lm": ("lumen", "lumens"),
    "ppm": ("part per million", "parts per million"),
    "ppb": ("part per billion", "parts per billion"),
    "fps": ("frame per second", "frames per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "bpm": ("beat per minute", "beats per minute"),
    "px": ("pixel", "pixels"),
    "dpi": ("dot per inch", "dots per inch"),
}
"""Symbol -> singular and plural."""

TOUCHING_UNITS: dict[str, tuple[str, str]] = {
    "in": ("inch", "inches"),
    "A": ("amp", "amps"),
    "K": ("kelvin", "kelvin"),
}
"""Symbols that are also words; they are units only directly after a number, without a space."""

PER: dict[str, str] = {
    **{symbol: one for symbol, (one, _) in UNITS.items()},
    **{
        word: word
        for word in (
            "second minute hour day night week month year person unit liter litre gallon mile piece".split()
        )
    },
    "d": "day",
    "mo": "month",
    "y": "year",
}
"""Units after the slash of a measure or a price: `km/h`, `€/kWh`, `$5/month`."""
