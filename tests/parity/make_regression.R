# Writes regression_results.csv (case, name, value) and regression_versions.txt: the numbers that
# test_parity_of_regression.py expects. Reads cohort.csv beside this script (synthetic; see make_cohort.py).
# Usage: Rscript make_regression.R [folder to write to]

suppressPackageStartupMessages({library(rms); library(MASS); library(brglm2)})

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

d <- read.csv(file.path(here, "cohort.csv"))
d$level <- factor(d$stage)
rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}
strict <- glm.control(epsilon = 1e-14, maxit = 100)
fit_glm <- function(formula, ...) glm(formula, binomial, d, control = strict, ...)
quantile95 <- qchisq(0.95, 1)
# The ends of the profile themselves: where twice the drop of the log-likelihood is its 95% quantile.
find_ends <- function(top, drop_at, estimate, error) {
  miss <- function(value) 2 * (top - drop_at(value)) - quantile95
  near <- function(side) uniroot(miss, estimate + side * c(0.2, 6) * error, tol = 1e-12)$root
  c(low = exp(near(-1)), high = exp(near(1)))
}
describe <- function(fit) {
  table <- coef(summary(fit))
  for (name in rownames(table)[-1]) {
    keep(paste0("glm_", name), coefficient = table[name, 1], standard_error = table[name, 2],
         wald_p = table[name, 4], wald_low = exp(confint.default(fit)[name, 1]),
         wald_high = exp(confint.default(fit)[name, 2]))
  }
}

# 1. Maximum likelihood: profile limits and the P of the likelihood ratio
whole <- event ~ anc + hemoglobin + ferritin
fit <- fit_glm(whole)
describe(fit)
interpolated <- suppressMessages(confint(fit))
for (name in c("anc", "hemoglobin", "ferritin")) {
  others <- setdiff(c("anc", "hemoglobin", "ferritin"), name)
  held <- function(value) {
    shift <- value * d[[name]]
    as.numeric(logLik(glm(reformulate(others, "event"), binomial, d, offset = shift, control = strict)))
  }
  ends <- find_ends(as.numeric(logLik(fit)), held, coef(fit)[[name]], sqrt(vcov(fit)[name, name]))
  keep(paste0("profile_", name), p_value = drop1(fit, test = "LRT")[name, "Pr(>Chi)"], ends)
  keep(paste0("confint_", name), low = exp(interpolated[name, 1]), high = exp(interpolated[name, 2]))
}

# 2. A factor of several levels, its trend, and what is not the trend
small <- fit_glm(event ~ anc)
large <- fit_glm(event ~ anc + level)
table <- anova(small, large, test = "Chisq")
places <- grep("level", names(coef(large)))
wald <- drop(coef(large)[places] %*% solve(vcov(large)[places, places], coef(large)[places]))
keep("factor", statistic = table$Deviance[2], degrees = table$Df[2], p_value = table[["Pr(>Chi)"]][2],
     wald = wald, wald_p = pchisq(wald, length(places), lower.tail = FALSE))
trend <- fit_glm(event ~ I(stage - 1))
keep("trend", coefficient = coef(trend)[[2]], standard_error = sqrt(vcov(trend)[2, 2]),
     p_value = anova(trend, test = "Chisq")[["Pr(>Chi)"]][2])
table <- anova(trend, fit_glm(event ~ level), test = "Chisq")
keep("deviation", statistic = table$Deviance[2], degrees = table$Df[2], p_value = table[["Pr(>Chi)"]][2])

# 3. Splines: knots and columns
long <- ((1:150 * 37) %% 151)^1.5
crowded <- c(rep(0, 8), (1:60 * 13) %% 61 + 0.5)
samples <- list(ferritin = d$ferritin, crp = d$crp, hemoglobin = d$hemoglobin, long = long, crowded = crowded)
for (name in names(samples)) {
  for (count in 3:5) {
    x <- samples[[name]]
    knots <- rcspline.eval(x, nk = count, knots.only = TRUE)
    columns <- rcspline.eval(x, knots = knots, inclx = TRUE)
    keep(paste("spline", name, count, sep = "_"), setNames(knots, paste0("knot", seq_along(knots))),
         setNames(colSums(columns), paste0("sum", seq_len(ncol(columns)))),
         setNames(columns[7, ], paste0("seventh", seq_len(ncol(columns)))))
  }
}

# 4. A spline in a model: odds ratio between two values, tests, and the curve
options(datadist = NULL)
curve <- lrm(event ~ rcs(ferritin, 4) + anc, d, tol = 1e-14, eps = 1e-12, maxit = 100, x = TRUE, y = TRUE)
knots <- rcspline.eval(d$ferritin, nk = 4, knots.only = TRUE)
against <- contrast(curve, list(ferritin = 900, anc = 3), list(ferritin = 300, anc = 3))
keep("spline_contrast", coefficient = against$Contrast[[1]], standard_error = against$SE[[1]],
     low = exp(against$Lower[[1]]), high = exp(against$Upper[[1]]), p_value = against$Pvalue[[1]])
bends <- rcspline.eval(d$ferritin, knots = knots, inclx = TRUE)
straight <- fit_glm(event ~ ferritin + anc)
bent <- fit_glm(event ~ bends + anc)
none <- fit_glm(event ~ anc)
table <- anova(straight, bent, test = "Chisq")
keep("nonlinear", statistic = table$Deviance[2], degrees = table$Df[2], p_value = table[["Pr(>Chi)"]][2],
     wald = anova(curve)[" Nonlinear", "Chi-Square"], wald_p = anova(curve)[" Nonlinear", "P"])
table <- anova(none, bent, test = "Chisq")
keep("spline_overall", statistic = table$Deviance[2], degrees = table$Df[2], p_value = table[["Pr(>Chi)"]][2],
     wald = anova(curve)["ferritin", "Chi-Square"], wald_p = anova(curve)["ferritin", "P"])
for (value in c(100, 400, 1500)) {
  point <- contrast(curve, list(ferritin = value, anc = 3), list(ferritin = 500, anc = 3))
  keep(paste0("curve_", value), coefficient = point$Contrast[[1]], standard_error = point$SE[[1]])
}

# 5. Steps of a number
steps <- list(doubling = log2(d$crp), per_10 = d$crp / 10, iqr = d$crp / IQR(d$crp), sd = d$crp / sd(d$crp))
for (name in names(steps)) {
  step <- steps[[name]]
  fit <- fit_glm(event ~ step)
  keep(paste0("step_", name), coefficient = coef(fit)[[2]], standard_error = sqrt(vcov(fit)[2, 2]))
}

# 6. Firth's penalty: brglm2; the ratio of the penalized likelihoods by optim, the penalty that of all columns
tight <- brglmControl(epsilon = 1e-12, maxit = 1000, type = "AS_mean")
firth <- glm(event ~ anc + level, binomial, d, method = "brglmFit", control = tight)
table <- coef(summary(firth))
for (name in rownames(table)[-1]) {
  keep(paste0("firth_", name), coefficient = table[name, 1], standard_error = table[name, 2])
}
d$marker <- as.numeric(d$event == 1 & d$crp > 15)
apart <- glm(event ~ marker + anc, binomial, d, method = "brglmFit", control = tight)
table <- coef(summary(apart))
for (name in rownames(table)[-1]) {
  keep(paste0("apart_", name), coefficient = table[name, 1], standard_error = table[name, 2])
}
design <- model.matrix(firth)
penalized <- function(beta, free) {
  full <- numeric(ncol(design))
  full[free] <- beta
  eta <- drop(design %*% full)
  chance <- plogis(eta)
  information <- crossprod(design * sqrt(chance * (1 - chance)))
  sum(ifelse(d$event == 1, plogis(eta, log.p = TRUE), plogis(-eta, log.p = TRUE))) +
    as.numeric(determinant(information)$modulus) / 2
}
maximize <- function(free) {
  best <- numeric(length(free))
  for (turn in 1:20) {
    best <- optim(best, penalized, free = free, method = "BFGS",
                  control = list(fnscale = -1, reltol = 1e-16, maxit = 1000))$par
  }
  penalized(best, free)
}
tested <- grep("level", colnames(design))
ratio <- 2 * (maximize(seq_len(ncol(design))) - maximize(setdiff(seq_len(ncol(design)), tested)))
keep("firth_factor", statistic = ratio, degrees = length(tested),
     p_value = pchisq(ratio, length(tested), lower.tail = FALSE))

# 7. Collinearity
d$mixed <- d$ferritin / 500 + d$crp / 20
fit <- fit_glm(event ~ anc + ferritin + mixed + level)
inflation <- vif(fit)
R <- cov2cor(vcov(fit)[-1, -1])
generalized <- function(places) {
  det(R[places, places, drop = FALSE]) * det(R[-places, -places, drop = FALSE]) / det(R)
}
keep("vif", inflation[c("anc", "ferritin", "mixed")], level = generalized(4:6))
keep("condition", kappa = sqrt(kappa(cor(cbind(d$anc, d$ferritin, d$mixed)), exact = TRUE)))

# 8. Proportional odds: stage as an ordered grade
ordinal <- lrm(stage ~ anc + hemoglobin + crp, d, tol = 1e-14, eps = 1e-13, maxit = 200)
tiny <- list(reltol = 1e-16, maxit = 2000)
center <- c(anc = mean(d$anc), hemoglobin = mean(d$hemoglobin), crp = mean(d$crp))
polr_fit <- polr(factor(stage) ~ I(anc) + I(hemoglobin / 10) + I(crp / 10), d, Hess = TRUE, control = tiny)
for (name in c("anc", "hemoglobin", "crp")) {
  error <- sqrt(vcov(ordinal)[name, name])
  keep(paste0("lrm_", name), coefficient = coef(ordinal)[[name]], standard_error = error,
       odds_ratio = exp(coef(ordinal)[[name]]), low = exp(coef(ordinal)[[name]] - qnorm(0.975) * error),
       high = exp(coef(ordinal)[[name]] + qnorm(0.975) * error),
       p_value = 2 * pnorm(-abs(coef(ordinal)[[name]] / error)))
}
keep("lrm_thresholds", one = -coef(ordinal)[[1]], two = -coef(ordinal)[[2]], three = -coef(ordinal)[[3]])
keep("polr", anc = coef(polr_fit)[[1]], hemoglobin = coef(polr_fit)[[2]] / 10, crp = coef(polr_fit)[[3]] / 10,
     log_likelihood = as.numeric(logLik(polr_fit)))
smaller <- polr(factor(stage) ~ I(hemoglobin / 10), d, control = tiny)
ratio <- 2 * as.numeric(logLik(polr_fit) - logLik(smaller))
keep("polr_ratio", statistic = ratio, degrees = 2, p_value = pchisq(ratio, 2, lower.tail = FALSE))
held <- function(value) {
  d$shift <- value * d$anc
  as.numeric(logLik(polr(factor(stage) ~ I(hemoglobin / 10) + I(crp / 10) + offset(shift), d, control = tiny)))
}
error <- sqrt(vcov(ordinal)["anc", "anc"])
ends <- find_ends(as.numeric(logLik(polr_fit)), held, coef(ordinal)[["anc"]], error)
ratio <- 2 * (as.numeric(logLik(polr_fit)) - held(0))
keep("polr_profile_anc", ends, p_value = pchisq(ratio, 1, lower.tail = FALSE))

# 9. The score test of proportional odds, written out: chances of each grade, their slopes by finite steps
x <- as.matrix(d[, c("anc", "hemoglobin", "crp")])
x <- sweep(sweep(x, 2, colMeans(x)), 2, apply(x, 2, sd), "/")
refit <- lrm(d$stage ~ x, tol = 1e-14, eps = 1e-13, maxit = 200)
chances <- function(theta) {
  below <- sapply(1:3, function(cut) plogis(theta[cut] - drop(x %*% theta[3 + (cut - 1) * 3 + 1:3])))
  cbind(below, 1) - cbind(0, below)
}
at <- c(-coef(refit)[1:3], rep(coef(refit)[4:6], 3))
slopes <- lapply(seq_along(at), function(place) {
  step <- replace(numeric(length(at)), place, 1e-4)
  (8 * (chances(at + step) - chances(at - step)) - (chances(at + 2 * step) - chances(at - 2 * step))) / 12e-4
})
p <- chances(at)
score <- sapply(slopes, function(slope) sum((slope / p)[cbind(seq_len(nrow(d)), d$stage)]))
information <- outer(seq_along(at), seq_along(at),
                     Vectorize(function(a, b) sum(slopes[[a]] * slopes[[b]] / p)))
keep("proportional_odds", statistic = drop(score %*% solve(information, score)), degrees = 6,
     p_value = pchisq(drop(score %*% solve(information, score)), 6, lower.tail = FALSE))
# Only anc may differ: the other slopes are shared.
shared <- matrix(0, 12, 8)
shared[cbind(1:3, 1:3)] <- 1
shared[cbind(c(4, 7, 10), 4:6)] <- 1
shared[c(5, 8, 11), 7] <- 1
shared[c(6, 9, 12), 8] <- 1
own <- drop(score %*% shared)
statistic <- drop(own %*% solve(t(shared) %*% information %*% shared, own))
keep("proportional_odds_anc", statistic = statistic, degrees = 2,
     p_value = pchisq(statistic, 2, lower.tail = FALSE))

write.csv(do.call(rbind, rows), file.path(target, "regression_results.csv"), row.names = FALSE, quote = FALSE)
packages <- c("rms", "Hmisc", "MASS", "brglm2")
versions <- sapply(packages, function(name) paste(name, packageVersion(name)))
writeLines(c(R.version.string, versions), file.path(target, "regression_versions.txt"))
