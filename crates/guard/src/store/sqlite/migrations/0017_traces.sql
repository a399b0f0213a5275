-- The place in the client's trace where a change was made, as W3C Trace Context
-- writes it; NULL where the client names none.
ALTER TABLE changes ADD COLUMN traceparent TEXT;
