-- The plain types of what lives on follow from what it still moves.
UPDATE transactions t
   SET type = CASE WHEN moved.has_in AND moved.has_out THEN 'trade'
                   WHEN moved.has_in THEN 'receive'
                   WHEN moved.has_out THEN 'send'
                   ELSE 'contract_call' END::transaction_type
  FROM (SELECT t.id,
               coalesce(bool_or(m.amount > 0) FILTER (WHERE m.kind = 'principal'), false) AS has_in,
               coalesce(bool_or(m.amount < 0) FILTER (WHERE m.kind = 'principal'), false) AS has_out
          FROM import_rows r
          JOIN transactions t ON t.id = r.transaction_id
          LEFT JOIN movements m ON m.transaction_id = t.id
         WHERE r.import_id = :import_id AND r.outcome = 'imported' AND t.tx_hash IS NOT NULL
         GROUP BY t.id) moved
 WHERE t.id = moved.id AND t.type IN ('send', 'receive', 'trade', 'contract_call');
