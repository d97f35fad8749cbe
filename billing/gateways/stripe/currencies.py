"""The currencies of Stripe, and how many decimals it counts each with. They are not always those of other services."""

_NONE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE = "BHD JOD KWD OMR TND"
#: Without ISK and UGX: Stripe's documentation can be read in two ways about their decimals.
_TWO = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC CVE
    CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK
    LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR
    RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST XCD YER ZAR
    ZMW
"""
WITHOUT_DECIMALS = frozenset(_NONE.split())
WITH_THREE = frozenset(_THREE.split())
CURRENCIES = WITHOUT_DECIMALS | WITH_THREE | frozenset(_TWO.split())


def decimals_at_stripe(currency: str) -> int:
    """Return how many decimals Stripe's smallest unit of a currency stands for."""
    if currency in WITHOUT_DECIMALS:
        return 0
    return 3 if currency in WITH_THREE else 2
