"""A page of reasoning as models write it, for `relay doctor` to try tokenizers on: prose, formulas, lists, code."""

SAMPLE = r"""
Okay, so I need to find the number of apples that are left. We start with 48 apples, give 7 to each of 3 friends,
and then buy 12 more.
First, 7 * 3 = 21, so we give away 21 apples. That leaves 48 - 21 = 27. Then 27 + 12 = 39.
Wait, let me check that again. 48 minus 21... yes, 27. And 27 plus 12 is 39. Good.

Let me think about the second part.
If \(x\) is the price of one apple, then \(39x = 11.70\), so \(x = \frac{11.70}{39} = 0.3\).
Hmm, is 0.3 right? 39 × 0.3 = 11.7. Yes!

Now the quadratic: \[x^2 - 5x + 6 = 0.\] It factors as \((x - 2)(x - 3)\), hence the roots are 2 and 3.
By the way, the discriminant is $b^2 - 4ac = 25 - 24 = 1 > 0$, so there are two real roots.

Step 1. Write the sum as \(1 + 2 + \dots + n = \frac{n(n+1)}{2}\).
Step 2. For n = 100 this gives 100 · 101 / 2 = 5050.
Step 3. Therefore the mean is 50.5, i.e. a little more than 50.

Alternatively, I could write a small program:

```python
def mean(values: list[float]) -> float:
    total = sum(values)          # adds them up
    return total / len(values)

print(mean(range(1, 101)))  # 50.5
```

1. The first case: n is even. Then n = 2k, and n² = 4k² is divisible by 4.
2. The second case: n is odd. Then n = 2k + 1, and n² = 4k(k + 1) + 1 leaves the remainder 1.

So “n² mod 4” is 0 or 1 — never 2 or 3. That's what we wanted!
The angle is 60°, and tan 60° = √3 ≈ 1.732; in radians that is π/3.
Naïvely one would say 5 €, but the résumé says 4,50 €. 答案是 42。 Ответ: 42. 🙂

The probability that both dice show a six is 1/6 · 1/6 = 1/36 ≈ 2.8 %. The complement is 35/36.
Let me double-check with e.g. 36 trials: we expect 36/36 = 1 success. That makes sense.
Thus, the final answer is \(\boxed{39}\).
"""
