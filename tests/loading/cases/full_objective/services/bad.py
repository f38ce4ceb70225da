from meshscope import SLO, Availability, days, percent

answers = SLO(name="answers", of=Availability(), objective=100 * percent, over=30 * days)
