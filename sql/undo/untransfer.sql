-- What was a transfer because the other side was one's own is none once that address is not.
-- What the source itself called a transfer stays one.
UPDATE transactions t
   SET type = CASE WHEN EXISTS (SELECT FROM movements m WHERE m.transaction_id = t.id
                                   AND m.kind = 'principal' AND m.amount > 0)
                   THEN 'receive' ELSE 'send' END::transaction_type
  FROM unnest(CAST(:networks AS text[]), CAST(:addresses AS text[])) AS gone (network, address)
 WHERE t.network = gone.network AND t.counterparty = gone.address
   AND t.type = 'transfer' AND t.tx_hash IS NOT NULL AND lower(t.source_type) <> 'transfer';
