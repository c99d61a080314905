# Writes pooling_tables.csv (imputed tables), pooling_results.csv (case, name, value) and pooling_versions.txt: the
# numbers that test_parity_of_pooling.py expects. Usage: Rscript make_pooling.R [folder to write to]; reads
# incomplete.csv beside this script. Both programs pool the same tables, so that no draw has to be repeated.

suppressPackageStartupMessages({
  library(mice)
  library(mitml)
  library(pROC)
})

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

rows <- list()
exact <- list(epsilon = 1e-14, maxit = 100)
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}
# Estimates and variances of the tables by pool.scalar, with limits and P of the t distribution; `back` undoes a
# transformation.
keep_scalar <- function(case, q, u, n, k, back = identity) {
  found <- pool.scalar(q, u, n = n, k = k)
  half <- qt(0.975, found$df) * sqrt(found$t)
  keep(case, estimate = back(found$qbar), low = back(found$qbar - half), high = back(found$qbar + half),
    df = found$df, fmi = found$fmi, p = 2 * pt(-abs(found$qbar) / sqrt(found$t), found$df))
}

M <- 6
data <- read.csv(file.path(here, "incomplete.csv"), na.strings = "")
data$bridging <- factor(data$bridging)
data$target <- factor(data$target, c("CD19", "BCMA", "dual"))
imputed <- mice(data, m = M, maxit = 5, seed = 11, printFlag = FALSE)
tables <- lapply(seq_len(M), function(i) complete(imputed, i))
written <- do.call(rbind, lapply(seq_len(M), function(i) cbind(imputation = i, tables[[i]])))
write.csv(written[, c("imputation", "event", "age", "anc", "crp", "bridging", "target")],
  file.path(target, "pooling_tables.csv"), row.names = FALSE, quote = FALSE)
# Read again: both programs then have the numbers of the file, digit by digit.
written <- read.csv(file.path(target, "pooling_tables.csv"))
written$target <- factor(written$target, c("CD19", "BCMA", "dual"))
tables <- split(written, written$imputation)
n <- nrow(tables[[1]])

each <- function(what) sapply(tables, what)
for (side in 1:0) {
  size <- sum(tables[[1]]$event == side)
  for (name in c("anc", "crp")) {
    own <- lapply(tables, function(one) one[one$event == side, name])
    keep_scalar(paste("mean", name, side, sep = "_"), sapply(own, mean), sapply(own, var) / size, size, 1)
    keep(paste("spread", name, side, sep = "_"), sd = sqrt(mean(sapply(own, var))),
      median = mean(sapply(own, median)), q1 = mean(sapply(own, quantile, 0.25, type = 7)),
      q3 = mean(sapply(own, quantile, 0.75, type = 7)))
  }
  share <- each(function(one) mean(one$bridging[one$event == side]))
  keep_scalar(paste("share_bridging", side, sep = "_"), qlogis(share), 1 / (size * share * (1 - share)), size, 1,
    plogis)
}

# Differences between the sides.
fits <- as.mira(lapply(tables, function(one) lm(crp ~ event, data = one)))
found <- summary(pool(fits), conf.int = TRUE)[2, ]
keep("difference_crp", estimate = found$estimate, low = found[["2.5 %"]], high = found[["97.5 %"]], df = found$df,
  p = found$p.value)
shares <- function(one, side) mean(one$bridging[one$event == side])
spread <- function(one, side) shares(one, side) * (1 - shares(one, side)) / sum(one$event == side)
keep_scalar("difference_bridging", each(function(one) shares(one, 1) - shares(one, 0)),
  each(function(one) spread(one, 1) + spread(one, 0)), n, 2)

keep_test <- function(case, d1) keep(case, setNames(as.numeric(d1[1, 1:5]), c("f", "df1", "df2", "p", "riv")))
# All levels at once: D1, with the degrees of freedom of the complete data and without.
full <- lapply(tables, function(one) glm(event ~ target, family = binomial, data = one, control = exact))
null <- lapply(tables, function(one) glm(event ~ 1, family = binomial, data = one, control = exact))
d1 <- D1(as.mira(full), as.mira(null))$result
keep_test("d1", d1)
d1 <- testModels(as.mitml.result(unname(full)), as.mitml.result(unname(null)), method = "D1")$test
keep_test("d1_large", d1)
d1 <- testModels(as.mitml.result(unname(full[1:2])), as.mitml.result(unname(null[1:2])), method = "D1")$test
keep_test("d1_two", d1)

# Areas under the curve, on the logit scale.
for (name in c("anc", "crp")) {
  curves <- lapply(tables, function(one) {
    roc(one$event, one[[name]], levels = c(0, 1), direction = if (name == "crp") "<" else ">", quiet = TRUE)
  })
  area <- sapply(curves, function(one) as.numeric(auc(one)))
  variance <- sapply(curves, function(one) var(one, method = "delong"))
  keep_scalar(paste0("area_", name), qlogis(area), variance / (area * (1 - area))^2, n, 1, plogis)
}

# A published model asked about these patients: log odds that nobody here has fitted.
score <- function(one) -0.8 - 0.25 * one$anc + 0.012 * one$crp + 0.5 * one$bridging
lines <- lapply(tables, function(one) {
  summary(glm(one$event ~ score(one), family = binomial, control = exact))$coefficients
})
for (place in 1:2) {
  keep_scalar(c("intercept", "slope")[place], sapply(lines, function(one) one[place, 1]),
    sapply(lines, function(one) one[place, 2]^2), n, 2)
}
shifts <- lapply(tables, function(one) {
  summary(glm(one$event ~ 1, offset = score(one), family = binomial, control = exact))$coefficients
})
keep_scalar("in_the_large", sapply(shifts, function(one) one[1, 1]), sapply(shifts, function(one) one[1, 2]^2), n, 1)
events <- sum(tables[[1]]$event)
ratio <- each(function(one) events / sum(plogis(score(one))))
keep_scalar("observed_by_expected", log(ratio), rep((1 - events / n) / events, M), n, 1, exp)
misses <- lapply(tables, function(one) (plogis(score(one)) - one$event)^2)
keep_scalar("brier", sapply(misses, mean), sapply(misses, var) / n, n, 1)
curves <- lapply(tables, function(one) roc(one$event, score(one), levels = c(0, 1), direction = "<", quiet = TRUE))
area <- sapply(curves, function(one) as.numeric(auc(one)))
variance <- sapply(curves, function(one) var(one, method = "delong"))
keep_scalar("c_statistic", qlogis(area), variance / (area * (1 - area))^2, n, 1, plogis)

# The share with the event among those above a limit: how many there are differs from table to table.
above <- lapply(tables, function(one) one$event[score(one) >= -1])
size <- sapply(above, length)
share <- sapply(above, mean)
keep_scalar("share_above", qlogis(share), 1 / (size * share * (1 - share)), min(size), 1, plogis)

write.csv(do.call(rbind, rows), file.path(target, "pooling_results.csv"), row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, sapply(c("mice", "mitml", "pROC"), function(one) paste(one, packageVersion(one)))),
  file.path(target, "pooling_versions.txt"))
