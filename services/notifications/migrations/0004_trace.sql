alter table mails add column traceparent text;  -- of the request, for the span of its sending; null when nobody traces
