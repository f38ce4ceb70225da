from services.poeple import payments
