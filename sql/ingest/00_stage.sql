-- Where the rows of a part of a file wait, in their session only, until they are sorted into the
-- ledger; and what became of them. They are written once: PostgreSQL would write a changed one anew.
DROP TABLE IF EXISTS pg_temp.staged_rows, pg_temp.staged_movements, pg_temp.staged_assets,
                     pg_temp.known_assets, pg_temp.staged_known, pg_temp.staged_outcomes;
CREATE TEMP TABLE staged_rows (
  line int, raw text, outcome row_outcome, reason text,
  occurred_at timestamptz, type transaction_type, source text, source_id text, source_type text,
  status transaction_status, network text, tx_hash text, address text, counterparty text,
  note text, labels text[], moves boolean,
  identity uuid GENERATED ALWAYS AS (  -- as in transactions
    md5(CASE WHEN tx_hash IS NULL THEN 'id:' || source || ':' || source_id
             ELSE 'hash:' || network || ':' || tx_hash END)::uuid) STORED
) ON COMMIT DROP;
CREATE TEMP TABLE staged_movements (
  line int, number int, key bigint, kind movement_kind, asset int, amount numeric,
  address text, counterparty text
) ON COMMIT DROP;
CREATE TEMP TABLE staged_assets (
  number int, symbol text, network text, contract text, name text, decimals smallint
) ON COMMIT DROP;
CREATE TEMP TABLE known_assets (number int, asset_id int) ON COMMIT DROP;  -- of the whole file
CREATE TEMP TABLE staged_known (
  identity uuid, transaction_id bigint, occurred_at timestamptz,
  created boolean,  -- it came in with this part
  own boolean  -- or with one before
) ON COMMIT DROP;
CREATE TEMP TABLE staged_outcomes (
  line int, transaction_id bigint, outcome row_outcome,
  idle boolean  -- it moves nothing, and its transaction was there
) ON COMMIT DROP;
