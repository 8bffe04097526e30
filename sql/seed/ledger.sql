-- A generated ledger of :rows transactions: deterministic, skewed as reality is, in time order.
-- Run it in an empty, migrated ledger: psql -v rows=1000000 -f ledger.sql
-- All of it is one transaction: a load that fails leaves the ledger as it was.
--
-- Natural values, by Zipf: the first is the commonest.
--   wallet   "Wallet 1" (25 %) … "Wallet 200"; one per cent: "Wallet 15"
--   asset    ETH (40 %), USDC, WBTC, TOK4 … TOK300; one per cent: TOK13
--   contact  "Contact 1" (5 %) … "Contact 500", 30 % of the rows have one, by the counterparty's
--            address, 1 % by a choice of their own; one per cent: "Contact 5"
--   label    "label 1" (8 %) … "label 40", 30 % of the rows have one or two; one per cent: "label 8"
--   type     receive (44 %), send, trade, contract_call, reward, transfer, approval, airdrop,
--            deposit, withdrawal, mint, fee, payment, other; one per cent: other
--   network  ethereum (70 %), bitcoin, none (10 %), polygon (one per cent), base, bsc, optimism
--   status   failed (1 %; moves nothing but its fee, like approval), pending (0.05 %, stands apart)
--   note     on 12 % of the rows: coffee (2 %), rent, books, salary, lunch, invoice (1 %), ticket,
--            gift (0.3 %)
--   amount   up to 1000, most far below 1; a quarter has 18 decimals; 0 for approvals and failures
--
-- Planted values. Apart: 0.5 % each, all the time, and no row has two of them. Old: 2 % each, in the
-- oldest quarter of the time only. Rare: 0.01 % each, no row has two. Never: a name without a row.
--             apart     old       rare     never
--   wallet    Apart     Old       Rare     Never
--   asset     APART     OLD       RARE     NEVER
--   label     apart     old       rare     never
--   contact   Apart     Old       Rare     Never
--   type      loan      gift      burn     income
--   network   arbitrum  dogecoin  tron     xrp
--   note      asunder   bygone    seldom   unheard
--   amount    3333      1984      4321     9999     and 2000..2999 is a rare range
--   status    pending
--   import    1 to 10 (2 % each)  11       12       13 (its rows were refused)
-- Import 11 is 2 % too. What an import brought is a contiguous run of time.
--
-- Bulk imports put many rows on one instant: a tenth of all at 2023-01-01 00:00 UTC, a hundredth each
-- at 15, 35, 75 and 95 % of the six years: 2020-11-24 19:12, 2022-02-06 04:48, 2024-07-02 00:00 and
-- 2025-09-13 09:36 UTC. Of the other rows each tenth shares the instant of the one before.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET maintenance_work_mem = '1GB';
SET max_parallel_maintenance_workers = 2;
SET synchronous_commit = off;
SET synchronize_seqscans = off;
SET jit = off;
BEGIN;
\ir aside.sql
\ir draws.sql
\ir names.sql
\ir rows.sql
\ir back.sql
COMMIT;
RESET ALL;
SET maintenance_work_mem = '1GB';
SET default_statistics_target = 300;  -- up to 90,000 rows of a table are read, not drawn by chance
VACUUM (FREEZE, ANALYZE);
