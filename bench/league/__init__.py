"""The league: every published system and the own recipes on one data set, each with the same time to learn.

``make league`` runs it, for hours, and goes on where it was; ``docs/league.md`` is written from what there is. A *line*
is a system, a recipe or a student (`line`); `lines` names them all. What a line trains at full length is read from its
plan (`outline`), how fast it trains is measured once and turned into a share of its epochs (`pace`), and then it is a
process of its own (`running`), so that whatever happens to one line is no harm to the others. The page is made of the
folders that lines leave (`standing`), of what the sources published (`published`, `compare`), and of `goals`.
"""
