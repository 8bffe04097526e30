-- The plain types of what lives on follow from what it still moves.
UPDATE transactions t
   SET type = derived.type
  FROM (SELECT t.id,
               (CASE WHEN bool_or(m.amount > 0) <> bool_or(m.amount < 0)
                      AND EXISTS (SELECT FROM wallet_addresses w
                                   WHERE w.network = t.network AND w.address = t.counterparty)
                     THEN 'transfer'
                     WHEN bool_or(m.amount > 0) AND bool_or(m.amount < 0) THEN 'trade'
                     WHEN bool_or(m.amount > 0) THEN 'receive'
                     WHEN bool_or(m.amount < 0) THEN 'send'
                     ELSE 'contract_call' END)::transaction_type AS type
          FROM transactions t
          LEFT JOIN movements m ON m.transaction_id = t.id AND m.kind = 'principal'
         WHERE t.id IN (SELECT transaction_id FROM import_rows
                         WHERE import_id = :import_id AND outcome = 'imported')
           AND t.import_id IS DISTINCT FROM :import_id
           AND t.tx_hash IS NOT NULL
           AND t.type IN ('send', 'receive', 'trade', 'contract_call')
         GROUP BY t.id) derived
 WHERE t.id = derived.id AND t.type <> derived.type;
