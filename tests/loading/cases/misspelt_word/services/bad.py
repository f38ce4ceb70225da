from meshscope import Servce
