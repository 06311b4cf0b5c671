"""HTTP/1.1 to AWS, signed: connections, requests, responses."""
