from services.people import paymets
