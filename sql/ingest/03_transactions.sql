-- One transaction per identity, told by all its rows: of each fact the first that is not empty;
-- of the statuses the one that is known best, and a failure above all.
WITH made AS (
  INSERT INTO transactions (
    wallet_id, import_id, occurred_at, type, status, network, tx_hash, address, counterparty, note,
    source, source_id, source_type, amount)
  SELECT :wallet_id, :import_id, min(s.occurred_at), (array_agg(s.type ORDER BY s.line))[1],
         (array_agg(s.status ORDER BY s.status = 'failed' DESC, s.status))[1],
         min(s.network), min(s.tx_hash),
         coalesce((array_agg(s.address ORDER BY s.line) FILTER (WHERE s.address <> ''))[1], ''),
         coalesce((array_agg(s.counterparty ORDER BY s.line) FILTER (WHERE s.counterparty <> ''))[1], ''),
         left(coalesce(string_agg(DISTINCT s.note, E'\n') FILTER (WHERE s.note <> ''), ''), 10000),
         min(s.source), min(s.source_id),
         coalesce((array_agg(s.source_type ORDER BY s.line) FILTER (WHERE s.source_type <> ''))[1], ''),
         coalesce(max(m.amount), 0)
    FROM staged_rows s
    LEFT JOIN (SELECT line, max(abs(amount)) AS amount FROM staged_movements
                WHERE kind = 'principal' GROUP BY line) m USING (line)
   WHERE s.outcome IS NULL
   GROUP BY s.identity
   ORDER BY min(s.occurred_at), min(s.line)
      ON CONFLICT (wallet_id, identity) DO NOTHING
  RETURNING identity, id, occurred_at
)
INSERT INTO staged_known SELECT identity, id, occurred_at, true, true FROM made;
