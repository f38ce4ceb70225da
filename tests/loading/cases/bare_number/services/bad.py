from meshscope import SLO, Availability, days

answers = SLO(name="answers", of=Availability(), objective=99.9, over=30 * days)
