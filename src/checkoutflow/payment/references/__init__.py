"""Payment references: what a customer quotes so that the shop knows which order was paid.

A shop writes its agreement with the bank as a scheme, which is plain data: `Ocr` (Sweden), `Kid`
(Norway), `Fik` (Denmark), `Viite` (Finland) or `Rf` (any country that takes the international
creditor reference). `Scheme` is any of them, told apart by ``kind``. Each generates references
from whole numbers, validates what comes back, prints it for people and explains its parts.

`Bankgiro` and `Plusgiro` do the same for Swedish account numbers, which banks hand out, so that
nothing is generated. `bank_barcode` is the bar code on a Finnish invoice.

Iceland has no scheme: its claims (kröfur) carry no public check digit. A bank finds a claim by the
creditor's kennitala, branch, ledger, number and due date, which is for the bank's own interface to
say (confidence: low).

References are stored as `ReferenceScheme.validate` gives them, without blanks or marks, and a
number is never used twice.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from checkoutflow.payment.references.barcode import BankBarcode as BankBarcode
from checkoutflow.payment.references.barcode import bank_barcode as bank_barcode
from checkoutflow.payment.references.barcode import code128c_check as code128c_check
from checkoutflow.payment.references.barcode import read_bank_barcode as read_bank_barcode
from checkoutflow.payment.references.denmark import Fik as Fik
from checkoutflow.payment.references.finland import Viite as Viite
from checkoutflow.payment.references.norway import Kid as Kid
from checkoutflow.payment.references.rf import Rf as Rf
from checkoutflow.payment.references.scheme import InvalidReference as InvalidReference
from checkoutflow.payment.references.scheme import Reason as Reason
from checkoutflow.payment.references.scheme import ReferenceScheme as ReferenceScheme
from checkoutflow.payment.references.sweden import Bankgiro as Bankgiro
from checkoutflow.payment.references.sweden import Ocr as Ocr
from checkoutflow.payment.references.sweden import Plusgiro as Plusgiro

Scheme: TypeAlias = Annotated[Ocr | Kid | Fik | Viite | Rf, Field(discriminator="kind")]
