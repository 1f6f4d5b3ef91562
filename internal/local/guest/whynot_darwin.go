package guest

func whyNot(error) (reason, mend string) { return "namespaces exist on Linux only", "" }
