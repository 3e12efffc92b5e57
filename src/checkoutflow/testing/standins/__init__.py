"""Stand-ins for payment providers: what all of them share.

``book`` is their money, ``faults`` what can go wrong, ``base`` the machinery around both, ``page``
where a person decides. A stand-in of a provider adds what is the provider's own: its addresses, its
JSON, its signatures.
"""
