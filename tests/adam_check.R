# Double programming of the toxicity grades: the rules are typed from the official text of CTCAE version 5.0
# (27 November 2017), not taken from the program under test. Reads adlb.xpt with foreign, which is another
# reader of transport files, and prints the number of rows that were compared and each row that differs.
# A value that was reported as a limit stands for every number on its side of the limit.
#
# Run as: Rscript adam_check.R adlb.xpt
library(foreign)

adlb <- read.xport(commandArgs(trailingOnly = TRUE)[1])

# Cuts of grades 2, 3 and 4: a value below the cut has at least this grade. Grade 1 is below the lower limit
# of normal. 10^9/L; hemoglobin in g/L, where the text has no grade 4 for a laboratory value.
cuts <- list(
  NEUT = c(1.5, 1.0, 0.5),  # <LLN - 1500; <1500 - 1000; <1000 - 500; <500/mm3
  PLAT = c(75, 50, 25),     # <LLN - 75,000; <75,000 - 50,000; <50,000 - 25,000; <25,000/mm3
  WBC = c(3, 2, 1),         # <LLN - 3000; <3000 - 2000; <2000 - 1000; <1000/mm3
  LYM = c(0.8, 0.5, 0.2),   # <LLN - 800; <800 - 500; <500 - 200; <200/mm3
  HGB = c(100, 80)          # <LLN - 10.0 g/dL; <10.0 - 8.0 g/dL; <8.0 g/dL
)

# Highest number that a record can stand for, and whether that number itself is possible.
ends <- function(number, word) {
  if (!is.na(number)) return(list(low = number, high = number, open = FALSE))
  if (is.na(word) || word == "") return(NULL)
  sign <- sub("[0-9.]+$", "", word)
  limit <- as.numeric(sub("^[<>=]+", "", word))
  if (sign %in% c("<", "<=")) list(low = 0, high = limit, open = sign == "<")
  else list(low = limit, high = Inf, open = TRUE)
}

# Whether every number, and whether any number, of the record is below the cut.
all_below <- function(end, cut) end$high < cut || (end$open && end$high <= cut)
any_below <- function(end, cut) end$low < cut

grade <- function(code, number, word, limit) {
  end <- ends(number, word)
  if (is.null(end)) return("")
  marks <- cuts[[code]]
  met <- 0
  for (place in seq_along(marks)) if (all_below(end, marks[place])) met <- place + 1
  if (met == 0 && !is.na(limit) && all_below(end, limit)) met <- 1
  if (met > 0) return(as.character(met))
  # Nothing is met for certain: 0 only where no rule can be met.
  if (any(sapply(marks, function(cut) any_below(end, cut)))) return("")
  if (is.na(limit) || any_below(end, limit)) return("")
  "0"
}

rows <- adlb[adlb$PARAMCD %in% names(cuts), ]
words <- if ("AVALC" %in% names(rows)) as.character(rows$AVALC) else rep("", nrow(rows))
mine <- mapply(grade, as.character(rows$PARAMCD), rows$AVAL, words, rows$ANRLO)
theirs <- as.character(rows$ATOXGRL)
theirs[is.na(theirs)] <- ""
signed <- ifelse(mine == "" | mine == "0", mine, paste0("-", mine))
both <- as.character(rows$ATOXGR)
both[is.na(both)] <- ""

# Baseline and change, from the flag alone.
key <- paste(rows$USUBJID, rows$PARAMCD)
flagged <- rows[rows$ABLFL == "Y", ]
base <- flagged$AVAL[match(key, paste(flagged$USUBJID, flagged$PARAMCD))]
base_day <- flagged$ADY[match(key, paste(flagged$USUBJID, flagged$PARAMCD))]
change <- ifelse(!is.na(rows$ADY) & rows$ADY > base_day, rows$AVAL - base, NA)
same <- function(one, other) (is.na(one) & is.na(other)) | (!is.na(one) & !is.na(other) & one == other)

wrong <- mine != theirs | signed != both | !same(base, rows$BASE) | !same(change, rows$CHG)
twice <- sum(duplicated(paste(flagged$USUBJID, flagged$PARAMCD)))
cat("rows", nrow(rows), "judged", sum(mine != ""), "differing", sum(wrong), "doubled baselines", twice, "\n")
for (place in which(wrong)) cat("differs: ASEQ", rows$ASEQ[place], mine[place], theirs[place], "\n")
