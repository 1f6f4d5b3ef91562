package guest

func defaultSignals() {}
