-- Assets that the ledger does not know yet.
INSERT INTO assets (symbol, network, contract, name, decimals)
SELECT symbol, network, contract, name, decimals FROM staged_assets ORDER BY number
    ON CONFLICT DO NOTHING;
