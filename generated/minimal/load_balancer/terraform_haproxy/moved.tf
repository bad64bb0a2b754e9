# Earlier versions made a single HAProxy, without an index. Its machine and address stay.

moved {
  from = aws_instance.haproxy
  to   = aws_instance.haproxy["haproxy"]
}

moved {
  from = aws_eip.haproxy[0]
  to   = aws_eip.haproxy["haproxy"]
}

moved {
  from = aws_eip_association.haproxy[0]
  to   = aws_eip_association.haproxy["haproxy"]
}
