-- A batch is carried out in portions: an item without generation waits for its turn.
create index linking_code_batch_items_waiting on linking_code_batch_items (batch_id, contact_id)
    where generation is null and skipped is null;
