from meshscope import Calls
from services.people import ledger

calls = Calls({ledger: ledger})
