"""`relay watch`: the monitor, a Textual application. Nothing else imports this package before it is asked for."""
