"""Open registers of companies, addresses and postal codes: one file a country, one contract."""
