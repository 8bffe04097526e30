-- name: wallet_balances
-- One row per wallet and asset that it holds at an instant, fees taken off; whole units.
-- Run it alone: psql -v at="'2024-12-31'" -f wallet_balances.sql
SELECT w.id, w.name AS wallet, a.id AS asset_id, a.symbol, a.network, a.contract,
       sum(m.amount) AS amount
  FROM movements m
  JOIN transactions t ON t.id = m.transaction_id
  JOIN wallets w ON w.id = t.wallet_id
  JOIN assets a ON a.id = m.asset_id
 WHERE m.occurred_at <= CAST(:at AS timestamptz)
 GROUP BY w.id, a.id
HAVING sum(m.amount) <> 0
 ORDER BY lower(w.name), a.symbol, a.network, a.contract;
