module codecell

go 1.26.0
