"""What a delivery asks for, carried out: at the hub, at the recipient, in the log bucket, at queues and topics."""
