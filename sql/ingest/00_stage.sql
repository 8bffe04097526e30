-- Where the rows of one file wait, in their session only, until they are sorted into the ledger.
DROP TABLE IF EXISTS pg_temp.staged_rows, pg_temp.staged_movements;
CREATE TEMP TABLE staged_rows (
  line int PRIMARY KEY, raw text, outcome row_outcome, reason text,
  occurred_at timestamptz, type transaction_type, source text, source_id text, source_type text,
  status transaction_status, network text, tx_hash text, address text, counterparty text,
  note text, labels text[],
  identity uuid GENERATED ALWAYS AS (  -- as in transactions
    md5(CASE WHEN tx_hash IS NULL THEN 'id:' || source || ':' || source_id
             ELSE 'hash:' || network || ':' || tx_hash END)::uuid) STORED,
  transaction_id bigint,
  created boolean NOT NULL DEFAULT false  -- its transaction came in with this file, by this row
) ON COMMIT DROP;
CREATE TEMP TABLE staged_movements (
  line int, number int, key bigint, kind movement_kind, asset_id int, amount numeric,
  address text, counterparty text
) ON COMMIT DROP;
