"""Payment providers: one file each, all behind the contract in ``providers.contract``."""
