-- The plain types of a hash follow from all that it moved, whichever files told of it.
UPDATE transactions t
   SET type = derived.type
  FROM (SELECT t.id,
               (CASE WHEN (bool_or(m.amount > 0) <> bool_or(m.amount < 0))
                      AND EXISTS (SELECT FROM wallet_addresses w
                                   WHERE w.network = t.network AND w.address = t.counterparty)
                     THEN 'transfer'
                     WHEN bool_or(m.amount > 0) AND bool_or(m.amount < 0) THEN 'trade'
                     WHEN bool_or(m.amount > 0) THEN 'receive'
                     ELSE 'send' END)::transaction_type AS type
          FROM transactions t
          JOIN movements m ON m.transaction_id = t.id AND m.kind = 'principal'
         WHERE t.id IN (SELECT o.transaction_id
                          FROM staged_outcomes o JOIN staged_rows r USING (line)
                         WHERE o.outcome = 'imported' AND r.tx_hash IS NOT NULL)
           AND t.type IN ('send', 'receive', 'contract_call', 'trade')
         GROUP BY t.id) derived
 WHERE t.id = derived.id AND t.type <> derived.type;
