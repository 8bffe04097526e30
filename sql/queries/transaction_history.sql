-- name: transaction_history
-- What happened to a transaction and its parts, the newest first; then (op "now") what they are,
-- and (op "name") what the rows are called that these speak of, rows that are gone included.
-- Run it alone: psql -v id=7 -v most=200 -f transaction_history.sql
WITH told AS MATERIALIZED (
  SELECT seq, xid, at, who, relation, op::text AS op, id, part, before, after
    FROM changes
   WHERE id = :id AND relation IN ('transactions', 'movements', 'transaction_labels')
   ORDER BY at DESC, seq DESC
   LIMIT :most
), present AS MATERIALIZED (
  SELECT 'transactions' AS relation, '' AS part, to_jsonb(t) AS image
    FROM transactions t WHERE id = :id
  UNION ALL
  SELECT 'movements', key::text, to_jsonb(m) FROM movements m WHERE transaction_id = :id
  UNION ALL
  SELECT 'transaction_labels', label_id::text, to_jsonb(l)
    FROM transaction_labels l WHERE transaction_id = :id
), meant AS (
  SELECT DISTINCT r.relation, CAST(i.image ->> r.key AS bigint) AS id
    FROM (SELECT before AS image FROM told
          UNION ALL SELECT after FROM told
          UNION ALL SELECT image FROM present) i
   CROSS JOIN (VALUES ('contacts', 'contact_id'), ('wallets', 'wallet_id'), ('labels', 'label_id'),
                      ('assets', 'asset_id'), ('imports', 'import_id')) r (relation, key)
   WHERE i.image ->> r.key IS NOT NULL
)
SELECT seq, xid::text, at, who, to_regrole(quote_ident(who)) IS NOT NULL AS by_role,
       relation, op, id, part, before, after
  FROM told
UNION ALL
SELECT 0, '0', NULL, '', false, relation, 'now', :id, part, NULL, image FROM present
UNION ALL
SELECT 0, '0', NULL, '', false, m.relation, 'name', m.id, '', NULL,
       jsonb_build_object('name', coalesce(
         CASE m.relation
           WHEN 'contacts' THEN (SELECT name FROM contacts c WHERE c.id = m.id)
           WHEN 'wallets' THEN (SELECT name FROM wallets w WHERE w.id = m.id)
           WHEN 'labels' THEN (SELECT name FROM labels l WHERE l.id = m.id)
           WHEN 'assets' THEN (SELECT symbol FROM assets a WHERE a.id = m.id)
           ELSE (SELECT file FROM imports f WHERE f.id = m.id)
         END,
         (SELECT coalesce(g.before ->> 'symbol', g.before ->> 'file', g.before ->> 'name')
            FROM changes g
           WHERE g.id = m.id AND g.relation = m.relation AND g.op = 'delete'
           ORDER BY g.seq DESC LIMIT 1)))
  FROM meant m;
